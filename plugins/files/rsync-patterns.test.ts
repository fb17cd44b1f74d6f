import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bytePathOf, escapeBytes } from '#common/archive/byte-path.ts';
import { walkTree } from '#common/archive/walk-tree.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { rsyncFilter, rulesOf } from './rsync-patterns.ts';

describe('patterns by the words of rsync(1)', () => {
  const table: readonly (readonly [pattern: string, excluded: readonly string[], taken: readonly string[]])[] = [
    ['cache', ['conf/cache', 'conf/a/cache'], ['conf/cache2', 'conf/my-cache']],
    ['*.log', ['conf/x.log', 'conf/a/.log'], ['conf/x.log.1']],
    ['/conf/x', ['conf/x'], ['conf/a/conf/x', 'conf/a/x']],
    ['a/x', ['conf/a/x', 'conf/b/a/x'], ['conf/a/b/x', 'conf/aa/x']],
    ['a/*/x', ['conf/a/b/x'], ['conf/a/x', 'conf/a/b/c/x']],
    ['a/**/x', ['conf/a/b/x', 'conf/a/b/c/x'], ['conf/a/x']],
    ['**/conf', ['conf', 'a/conf'], ['a/xconf']],
    ['/conf/a/***', ['conf/a/', 'conf/a/x'], ['conf/a', 'conf/ab/']],
    ['a/***/', ['conf/a/', 'conf/a/b/'], ['conf/a/x']],
    ['[a/b]', [], ['conf/a', 'a', 'conf/[a/b]']],
    ['a/', ['conf/a/'], ['conf/a']],
    ['file?', ['conf/file1'], ['conf/file', 'conf/file12']],
    ['[a-c]x', ['conf/bx'], ['conf/dx']],
    ['[!a-c]x', ['conf/dx'], ['conf/bx']],
    ['[[:digit:]]', ['conf/7'], ['conf/a']],
    ['\\*', ['conf/*'], ['conf/x', 'conf/\\*']],
    ['a\\b', ['conf/a\\b'], ['conf/ab']],
    ['b?ch', [], ['conf/büch']], // names are bytes, and this one has two for its ü
    ['b??ch', ['conf/büch'], []],
  ];
  for (const [pattern, excluded, taken] of table) {
    test(`${pattern} leaves out ${excluded.join(', ') || 'nothing'}${taken.length > 0 ? ` and takes ${taken.join(', ')}` : ''}`, () => {
      const filter = rsyncFilter(rulesOf([pattern]));
      const asked = (path: string) => filter(bytePathOf(path.replace(/\/$/, '')), path.endsWith('/'));
      assert.deepEqual([...excluded, ...taken].filter(asked), excluded);
    });
  }

  test('the first rule that matches decides, and "!" forgets the rules before it', () => {
    const filter = rsyncFilter(rulesOf(['gone', '!', '+ keep.log', '- *.log']));
    assert.deepEqual(
      ['gone', 'keep.log', 'x.log'].map((path) => filter(path, false)),
      [false, false, true],
    );
  });
});

const names = ['a', 'b', 'ab', 'a.b', 'ü', '*', 'a\\b', '[a]', '\xff'];

const plainPart = fc.constantFrom(
  'a',
  'b',
  'ab',
  'ü',
  'a.b',
  '*',
  '?',
  'a*',
  '*b',
  '**',
  '**b',
  'a**',
  '??',
  '[ab]',
  '[!a]*',
);
const oddParts = [
  '[^b-z]',
  '[[:alpha:]]*',
  '[]a]b',
  '[a',
  '[b-a]',
  '[a/b]',
  '\\*',
  '\\a',
  'a\\b',
  '\\',
  '***',
  '',
  '.',
  '!',
];
const part = fc.oneof({ weight: 3, arbitrary: plainPart }, { weight: 1, arbitrary: fc.constantFrom(...oddParts) });
const arbitraryRule = fc
  .tuple(
    fc.constantFrom('', '', '', '', '+ ', '- ', '-_'),
    fc.constantFrom('', '', '', '/', '/ab/', '**/'),
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
    fc.constantFrom('', '', '', '/', '/***', '***'),
  )
  .map((parts) => parts.join(''))
  .filter((rule) => !/^([-+] )?$/.test(rule)); // rsync refuses a sign without a pattern

/** rsync itself says what is right: it is asked what of a real tree it would copy by random rules. */
test('random rules take the same names of a tree as rsync does', async (context) => {
  const source = join(await tempFolder(context), 'ab');
  makeTree(source);
  const all = taken(source, []).length;
  let telling = 0; // a part of the tree was left out, and a part was not
  fc.assert(
    fc.property(fc.array(arbitraryRule, { minLength: 1, maxLength: 4 }), (random) => {
      const rules = ['+ /ab/', ...random]; // the listed folder itself is always taken
      const ours = taken(source, rules);
      assert.deepEqual(ours.sort(), copied(source, rules).sort());
      if (ours.length > 0 && ours.length < all) telling += 1;
    }),
    { seed: 20_230_801, numRuns: 120 },
  );
  assert.ok(telling > 60, `only ${telling} of the rules told anything`);
});

function makeTree(root: string): void {
  const fill = (path: Buffer, depth: number): void => {
    mkdirSync(path);
    for (const name of names) {
      const below = Buffer.concat([path, Buffer.from('/'), name === '\xff' ? Buffer.from([0xff]) : Buffer.from(name)]);
      if (depth < 3 && (name === 'a' || name === 'b' || name === 'ab')) fill(below, depth + 1);
      else writeFileSync(below, '');
    }
  };
  fill(Buffer.from(root), 1);
}

function taken(root: string, rules: readonly string[]): string[] {
  const filter = rsyncFilter(rulesOf(rules));
  const excludes = (path: string, isFolder: boolean) => filter(`ab/${path}`, isFolder);
  return [...walkTree(root, { excludes })].map(({ path }) => escapeBytes(path === '' ? 'ab' : `ab/${path}`));
}

/** What rsync would copy; with `-8` it prints the bytes of names as they are. */
function copied(root: string, rules: readonly string[]): string[] {
  const args = ['-an8', '--out-format=%n', ...rules.map((rule) => `--exclude=${rule}`), root, '/nonexistent/'];
  const lines = execFileSync('rsync', args, { env: { ...process.env, LC_ALL: 'C' }, encoding: 'latin1' }).split('\n');
  return lines.filter((line) => line !== '').map((line) => escapeBytes(line.replace(/\/$/, '')));
}
