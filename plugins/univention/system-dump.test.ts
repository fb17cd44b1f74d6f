import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestOf, type SystemDump } from './system-dump.ts';

test('the newest dump is one that is new or was written anew, never one that was there before', () => {
  const dump = (name: string, mtimeNs: bigint, size = 1n): SystemDump => ({ name, size, mtimeNs });
  const table: readonly (readonly [before: SystemDump[], after: SystemDump[], newest: string | undefined])[] = [
    [[], [], undefined],
    [[dump('a', 1n)], [dump('a', 1n)], undefined],
    [[], [dump('a', 1n)], 'a'],
    [[dump('a', 1n)], [dump('a', 2n)], 'a'],
    [[dump('a', 1n)], [dump('a', 1n, 2n)], 'a'],
    [[dump('future', 9n)], [dump('future', 9n), dump('a', 2n)], 'a'],
    [[], [dump('a', 2n), dump('b', 3n), dump('c', 1n)], 'b'],
  ];
  for (const [before, after, newest] of table) assert.equal(newestOf(after, before)?.name, newest);
});
