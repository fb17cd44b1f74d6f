import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { IndexItem } from '#common/archive/index-block.ts';
import { type CraftedBlock, craftArchive, memberOf, type TestEntry, writeArchive } from '../testing/crafted-archive.ts';
import { testTree } from '../testing/test-tree.ts';

const file: TestEntry = { path: 'f', content: 'the new content' };
const { bytes, member, entry } = await memberOf(file);
const honest: IndexItem = { member, entries: [entry], chunks: [] };
const second = await memberOf({ path: 'g', content: 'another content' });
const wrongHash = 'a'.repeat(64);
const folders = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...entry,
    path: `folder-${String(index).padStart(7, '0')}`,
    type: 'folder' as const,
    size: 0,
    sha256: undefined,
  }));

/** What lies, the archive, and the message; a second one where a tree that is changed in place tells it otherwise. */
type Lie = readonly [
  what: string,
  make: (path: string) => Promise<void>,
  message: RegExp,
  inPlace?: RegExp | undefined,
];

const entryLies: readonly Lie[] = (
  [
    ['paths out of order', [{ path: 'b' }, { path: 'a' }], /archive entry "a" is out of order$/],
    ['a path twice', [{ path: 'a' }, { path: 'a' }], /archive entry "a" stands there twice$/],
    [
      'a file below a link',
      [{ path: 'l', type: 'symlink', link: '/etc' }, { path: 'l/passwd' }],
      /archive entry "l\/passwd" lies below something that is no folder of the archive$/,
    ],
    ['a file below a file', [{ path: 'a' }, { path: 'a/b' }], /"a\/b" lies below something that is no folder/],
    ['a path that leads out', [{ path: '../evil' }], /archive entry "..\/evil" has "\.\." in its path$/],
    ['an absolute path', [{ path: '/etc/evil' }], /archive entry "\/etc\/evil" is an absolute path$/],
    [
      'a hard link to a link',
      [
        { path: 'a', type: 'symlink', link: '/etc/shadow' },
        { path: 'b', type: 'hardlink', link: 'a' },
      ],
      /archive entry "b" is a hard link to no file before it in the archive$/,
    ],
    [
      'a hard link out of the tree',
      [{ path: 'b', type: 'hardlink', link: '../../etc/shadow' }],
      /archive entry "b" is a hard link whose target has "\.\." in its path$/,
    ],
    [
      'a hash that the content does not have',
      [{ path: 'a', content: 'x', facts: { sha256: wrongHash } }],
      /entry "a" of .*web\.tar\.gz differs from the index: sha256$/,
    ],
    [
      'the hash of a file with chunks',
      [{ path: 'a', content: randomBytes(600_000), facts: { sha256: wrongHash } }],
      /entry "a" of .*web\.tar\.gz differs from the index: sha256$/,
    ],
    [
      'the hash of a large file',
      [{ path: 'a', content: randomBytes(3_000_000), facts: { sha256: wrongHash } }],
      /entry "a" of .*web\.tar\.gz differs from the index: sha256$/,
    ],
  ] satisfies readonly (readonly [string, readonly TestEntry[], RegExp])[]
).map(([what, entries, message]) => [what, (path) => writeArchive(path, entries), message]);

const craftedLies: readonly Lie[] = (
  [
    [
      'a member beyond the end of the file',
      [{ items: [honest], row: { membersOffset: 1_000_000 } }],
      /web\.tar\.gz has members that overlap or leave a gap$/,
      /web\.tar\.gz ends at byte 1000000, but it was to be read up to byte \d+$/,
    ],
    [
      'a member that is longer than the file',
      [{ items: [{ ...honest, member: { ...member, compressedLength: 1_000_000 } }] }],
      /web\.tar\.gz has members inside its index$/,
      /web\.tar\.gz ends at byte \d+, but it was to be read up to byte 1000000$/,
    ],
    [
      'members that overlap',
      [{ items: [honest] }, { items: [{ ...honest, member: second.member, entries: [second.entry] }] }],
      /web\.tar\.gz has members that overlap or leave a gap$/,
      /entry "g" of .*web\.tar\.gz is not what the index has at this place$/,
    ],
    [
      'the hash of a chunk',
      [
        { items: [{ ...honest, chunks: [{ ...second.member, sha256: wrongHash.slice(0, 32) }] }] },
        { items: [], row: { membersOffset: bytes.length + second.bytes.length } },
      ],
      /a member of .*web\.tar\.gz has another content than the index says$/,
    ],
    [
      'a member that unpacks to more than it says',
      [{ items: [{ ...honest, member: { ...member, length: 512 } }] }],
      /a member of .*web\.tar\.gz cannot be unpacked to the length the index says$/,
    ],
    [
      'a member that unpacks to less than it says',
      [{ items: [{ ...honest, member: { ...member, length: 5120 } }] }],
      /a member of .*web\.tar\.gz is shorter than the index says$/,
    ],
    [
      'a member of unreasonable length',
      [{ items: [{ ...honest, member: { ...member, length: 2 ** 40 } }] }],
      /the index of .*web\.tar\.gz describes a member wrongly$/,
    ],
    [
      'another entry than the one that is there',
      [{ items: [{ ...honest, entries: [{ ...entry, path: 'other' }] }] }],
      /entry "other" of .*web\.tar\.gz is not what the index has at this place$|entry "f" of .* is not what/,
    ],
    [
      'the hash of a block',
      [{ items: [honest], row: { sha256: wrongHash } }],
      /the index of .*web\.tar\.gz has a block whose hash is wrong$/,
    ],
    [
      'a block that is larger than memory',
      [{ items: [honest], row: { length: 2 ** 40 } }],
      /the index of .*web\.tar\.gz has a malformed table$/,
    ],
    [
      'blocks that do not fill their place',
      [{ items: [honest], row: { compressedLength: 10 } }],
      /the index of .*web\.tar\.gz has a table that does not fit its blocks$/,
    ],
    [
      'more entries than there may be, in a small index',
      [{ items: [{ member, entries: folders(1001), chunks: [] }] }],
      /the archive has more than 1000 entries$/,
    ],
  ] satisfies readonly (readonly [string, readonly CraftedBlock[], RegExp, RegExp?])[]
).map(([what, blocks, message, inPlace]) => [
  what,
  (path) => craftArchive(path, Buffer.concat([bytes, second.bytes]).subarray(0, blocks.length * bytes.length), blocks),
  message,
  inPlace,
]);

describe('an index that lies', () => {
  for (const [what, make, message, inPlace] of [...entryLies, ...craftedLies]) {
    it(`about ${what} is refused in a whole fetch, and nothing stays of it`, async (test) => {
      const { take, archive, home } = await testTree(test);
      await make(archive);
      await assert.rejects(take(), { name: 'BackupError', message });
      assert.deepEqual(await readdir(home), []);
    });

    it(`about ${what} is refused before a tree is changed`, async (test) => {
      const { take, archive, home, tree } = await testTree(test);
      await take([{ path: 'f', content: 'the old content' }]);
      await make(archive);
      await assert.rejects(take(), { name: 'BackupError', message: inPlace ?? message });
      assert.deepEqual((await readdir(home)).sort(), ['tree', 'tree-index.gz']);
      assert.deepEqual((await readdir(tree)).sort(), ['backup-archive.json', 'f']);
      const { warnings } = await take([file]);
      assert.deepEqual(warnings, []);
    });
  }
});
