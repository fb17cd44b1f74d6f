import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dumpOptionsOf } from './dump-options.ts';

const refused = { long: ['file', 'username'], short: 'fU', shortWithValue: 'fnU' };
const wordsOf = (options: string | readonly string[] | undefined) => dumpOptionsOf('sql', options, refused);

describe('dump_options', () => {
  test('a text is split at blanks, and a list is taken as it is', () => {
    assert.deepEqual(wordsOf(' --clean  --if-exists '), ['--clean', '--if-exists']);
    assert.deepEqual(wordsOf(['--where', 'a = b']), ['--where', 'a = b']);
    assert.deepEqual(wordsOf(undefined), []);
  });

  test('values and other options that only look like a refused one pass', () => {
    const words = ['-nf', '-n', 'U', '--files', '--no-file', '-x', '--', '-'];
    assert.deepEqual(wordsOf(words), words);
  });

  for (const word of ['--file=x', '--file', '--fil', '--user=root', '-f', '-fx', '-xOf', '-Uroot']) {
    test(`${word} is refused`, () => {
      assert.throws(() => wordsOf(['--clean', word]), {
        name: 'BackupError',
        message: `sql: dump_options has "${word}", which cannot be given there`,
        hint: /keys of their own/,
      });
    });
  }
});
