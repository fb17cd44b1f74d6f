import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const commands = ['run', 'check', 'restore', 'keep_days', 'repository_root'];
const cases: ReadonlyArray<readonly [word: string, expected: string | undefined]> = [
  ['chekc', 'check'],
  ['RESTOR', 'restore'],
  ['keepdays', 'keep_days'],
  ['repositoryRoot', 'repository_root'],
  ['run', 'run'],
  ['rn', 'run'],
  ['nonsense', undefined],
  ['xy', undefined],
  ['', undefined],
];
for (const [word, expected] of cases) {
  test(`for "${word}" the nearest is ${expected ?? 'nothing'}`, () => assert.equal(nearest(word, commands), expected));
}

test('without candidates there is no nearest', () => assert.equal(nearest('run', []), undefined));

test('a word of which nothing would be left is no likeness', () => assert.equal(nearest('ab', ['cd', 'x']), undefined));
