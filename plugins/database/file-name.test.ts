import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNameOf } from './file-name.ts';

test('a name that a file can have stays as it is, and the others never meet', () => {
  const names = ['shop', 'Größe 2', 'a.b', '..', '.hidden', 'a/b', 'a%2Fb', 'two\nlines'];
  assert.deepEqual(names.map(fileNameOf), [
    'shop',
    'Größe 2',
    'a.b',
    '%2E.',
    '%2Ehidden',
    'a%2Fb',
    'a%252Fb',
    'two%0Alines',
  ]);
});
