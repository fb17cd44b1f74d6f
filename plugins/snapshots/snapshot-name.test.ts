import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNameOf, snapshotName } from './snapshot-name.ts';

const task = { service: { type: 'docker', name: 'shop' }, taskKey: 'files' };

test('a snapshot is named by our prefix, the time and the task', () => {
  const context = { ...task, now: () => new Date('2026-11-28T03:05:12Z') };
  assert.equal(snapshotName(context), 'backup-suite-20261128_030512:docker:shop:files');
});

test('what ZFS does not allow in a name is replaced', () => {
  const context = { service: { type: 'my type', name: 'a@b' }, taskKey: 'zfs', now: () => new Date(0) };
  assert.equal(snapshotName(context), 'backup-suite-19700101_000000:my_type:a_b:zfs');
});

test('a task knows its own names, and no others', () => {
  const table: readonly (readonly [name: string, isOwn: boolean])[] = [
    ['backup-suite-20261128_030512:docker:shop:files', true],
    ['backup-suite-20261128_030512:docker:shop:zfs', false],
    ['backup-suite-20261128_030512:other:docker:shop:files', false],
    ['backup-suite-daily:docker:shop:files', false],
    ['daily-20261128_030512:docker:shop:files', false],
  ];
  for (const [name, isOwn] of table) assert.equal(isNameOf(task, name), isOwn, name);
});
