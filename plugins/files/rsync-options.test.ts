import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { excludesInOptions } from './rsync-options.ts';

describe('the original rsync_options', () => {
  const table: readonly (readonly [options: string | readonly string[] | undefined, excludes: readonly string[]])[] = [
    [undefined, []],
    ['', []],
    ['--exclude=*.log --exclude cache/', ['*.log', 'cache/']],
    [`--exclude='*.log' --include="keep.log"`, ['*.log', '+ keep.log']],
    [
      ['--include=keep me.log', '--exclude', '*.log'],
      ['+ keep me.log', '*.log'],
    ],
    [
      ['--include=- x', '--include=!', '--exclude=+ y'],
      ['- x', '!', '+ y'],
    ],
  ];
  for (const [options, excludes] of table) {
    test(`${JSON.stringify(options)} is read as ${JSON.stringify(excludes)}`, () => {
      assert.deepEqual(excludesInOptions(options), excludes);
    });
  }

  for (const options of ['-a', '--delete --exclude=x', '--exclude', '--exclude-from=/etc/list', ['--excluded=x']]) {
    test(`${JSON.stringify(options)} is refused, with what does apply`, () => {
      assert.throws(() => excludesInOptions(options), {
        name: 'BackupError',
        message: /rsync_options has "-.*", which does not apply here/,
        hint: /--exclude=PATTERN/,
      });
    });
  }
});
