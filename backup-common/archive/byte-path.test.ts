import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { bytePathOf, comparePaths, escapeBytes, unescapeBytes } from './byte-path.ts';

const name = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes).toString('latin1').replace(/[\0/]/g, '_'));
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

it('any bytes come back from their escaped form', () => {
  fc.assert(fc.property(path, (bytes) => assert.equal(unescapeBytes(escapeBytes(bytes)), bytes)));
});

it('readable names stay readable, other bytes are spelled out', () => {
  assert.equal(escapeBytes(bytePathOf('straße/naïve file')), 'straße/naïve file');
  assert.equal(escapeBytes('a\xff\xfeb'), 'a\\xff\\xfeb');
  assert.equal(escapeBytes('back\\slash'), 'back\\\\slash');
  assert.equal(unescapeBytes('half \\ an escape'), undefined);
});

it('a folder comes directly before all that is in it', () => {
  const paths = ['a-b', 'a/x/y', 'a', 'a.c', 'a/x', 'a0', 'a/x-1'];
  assert.deepEqual([...paths].sort(comparePaths), ['a', 'a/x', 'a/x/y', 'a/x-1', 'a-b', 'a.c', 'a0']);
});

it('the order is the one in which a walk with sorted folders comes along', () => {
  const inOrder = (paths: readonly string[]): string[] => {
    const tops = [...new Set(paths.map((each) => each.split('/')[0] ?? ''))].sort();
    return tops.flatMap((top) => {
      const below = paths.filter((each) => each.startsWith(`${top}/`)).map((each) => each.slice(top.length + 1));
      return [...paths.filter((each) => each === top), ...inOrder(below).map((each) => `${top}/${each}`)];
    });
  };
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 12 }), (paths) =>
      assert.deepEqual([...paths].sort(comparePaths), inOrder(paths)),
    ),
  );
});
