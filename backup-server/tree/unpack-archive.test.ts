import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { type RawEntry, rawTar, rawTarGz } from '#common/testing/raw-tar.ts';
import { unpackForeign } from './unpack-archive.ts';

const roomy = { maxEntries: 1000, maxBytes: 100 * 1024 ** 2 };

describe('an archive of another program', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unpack-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  let count = 0;
  async function unpack(archive: Buffer, limits = roomy): Promise<string> {
    count += 1;
    const path = join(folder, `${count}.tar.gz`);
    const tree = join(folder, `tree-${count}`);
    await writeFile(path, archive);
    const source = await openFileSource(path);
    try {
      await unpackForeign(source, tree, { tar: 'tar', runner: execaRunner(), limits });
    } finally {
      await source.close();
    }
    return tree;
  }

  it('is unpacked as it is, folders that it only implies included', async () => {
    const tree = await unpack(
      rawTarGz([
        { name: './a/b/file', content: 'hello' },
        { name: './a/link', type: '2', link: '/etc/passwd' },
      ]),
    );
    assert.equal(await readFile(join(tree, 'a/b/file'), 'utf8'), 'hello');
    assert.deepEqual(await readdir(join(tree, 'a')), ['b', 'link']);
  });

  it('may be several gzip members in a row', async () => {
    const tar = rawTar([{ name: 'file', content: 'x'.repeat(2000) }]);
    const tree = await unpack(Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]));
    assert.equal((await readFile(join(tree, 'file'), 'utf8')).length, 2000);
  });

  const folderEntry: RawEntry = { name: 'd', type: '5' };
  const hostile: readonly (readonly [what: string, entries: readonly RawEntry[], message: RegExp])[] = [
    ['an absolute path', [{ name: '/etc/cron.d/evil' }], /"\/etc\/cron.d\/evil" is an absolute path/],
    ['a path with ..', [{ name: 'a/../../evil' }], /has "\.\." in its path/],
    ['a PAX path with ..', [{ name: 'good', pax: [['path', '../evil']] }], /"..\/evil" has "\.\." in its path/],
    [
      'a name in the way of GNU sparse 0.1',
      [{ name: 'good', pax: [['GNU.sparse.name', '../evil']] }],
      /unknown PAX key "GNU.sparse.name"/,
    ],
    [
      'a file below a symbolic link',
      [
        { name: 'l', type: '2', link: '/tmp' },
        { name: 'l/evil', content: 'x' },
      ],
      /"l\/evil" lies below something that is no folder/,
    ],
    ['a file below a file', [{ name: 'f' }, { name: 'f/evil' }], /lies below something that is no folder/],
    [
      'a hard link out of the tree',
      [{ name: 'h', type: '1', link: '/etc/shadow' }],
      /hard link whose target is an absolute path/,
    ],
    ['a hard link to nothing', [{ name: 'h', type: '1', link: 'nowhere' }], /hard link to no file before it/],
    [
      'a hard link to a symbolic link',
      [
        { name: 'l', type: '2', link: '/etc/shadow' },
        { name: 'h', type: '1', link: 'l' },
      ],
      /hard link to no file before it/,
    ],
    [
      'a name twice, first as a link',
      [
        { name: 'x', type: '2', link: '/etc/passwd' },
        { name: 'x', content: 'root' },
      ],
      /"x" stands there twice/,
    ],
    ['a folder that becomes a link', [folderEntry, { name: 'd', type: '2', link: '/etc' }], /"d" stands there twice/],
    ['a device node', [{ name: 'sda', type: '4' }], /is a device node, which is never unpacked/],
    ['a character device', [{ name: 'null', type: '3' }], /is a device node, which is never unpacked/],
    ['an unknown type', [{ name: 'x', type: 'Z' }], /has the unknown type "Z"/],
    ['a NUL in a PAX path', [{ name: 'x', pax: [['path', 'a\0b']] }], /NUL byte/],
    ['a name longer than 255 bytes', [{ name: 'x', pax: [['path', 'n'.repeat(256)]] }], /name longer than 255 bytes/],
    ['content of a folder', [{ name: 'd', type: '5', content: 'x' }], /has content although it is no file/],
    [
      'a PAX size that lies',
      [{ name: 'f', content: 'abc', pax: [['size', '99999999']] }],
      /cut off|ends in the middle/,
    ],
    ['a malformed PAX number', [{ name: 'f', pax: [['uid', '-1']] }], /malformed uid/],
    [
      'a sparse map beyond the file',
      [
        {
          name: 'f',
          content: 'abc',
          pax: [
            ['GNU.sparse.size', '3'],
            ['GNU.sparse.numblocks', '1'],
            ['GNU.sparse.offset', '5'],
            ['GNU.sparse.numbytes', '3'],
          ],
        },
      ],
      /sparse map that does not fit/,
    ],
    ['a global PAX header that renames', [{ name: 'g', type: 'g', content: '13 path=../e\n' }], /global PAX header/],
  ];
  for (const [what, entries, message] of hostile) {
    it(`is refused for ${what}, before anything of it is written outside`, async () => {
      await assert.rejects(unpack(rawTarGz(entries)), message);
      const outside = await readdir(folder);
      assert.deepEqual(
        outside.filter((name) => !/^(tree-)?\d+(\.tar\.gz)?$/.test(name)),
        [],
      );
    });
  }

  const damaged: readonly (readonly [what: string, archive: () => Buffer, message: RegExp])[] = [
    ['is empty', () => Buffer.alloc(0), /is no intact gzip file/],
    ['is no gzip file', () => Buffer.from('this is no archive at all, only text'), /is no intact gzip file/],
    [
      'is cut off in the middle',
      () => rawTarGz([{ name: 'f', content: Buffer.alloc(50_000, 'abcdefg') }]).subarray(0, 150),
      /is no intact gzip file/,
    ],
    ['ends between two entries', () => gzipSync(rawTar([{ name: 'f' }, { name: 'g' }]).subarray(0, 512)), /cut off/],
    [
      'has a flipped bit',
      () => flipped(rawTarGz([{ name: 'f', content: 'content'.repeat(500) }])),
      /is no intact gzip file|checksum/,
    ],
    ['is a gzipped text', () => gzipSync('hello'), /ends in the middle|checksum/],
    [
      'goes on after its end',
      () => gzipSync(Buffer.concat([rawTar([{ name: 'f' }]), rawTar([{ name: 'g' }])])),
      /data follows the end/,
    ],
  ];
  for (const [what, archive, message] of damaged) {
    it(`is refused when it ${what}`, () => assert.rejects(unpack(archive()), message));
  }

  it('is refused when it has too many entries', async () => {
    const many = Array.from({ length: 1001 }, (_, index) => ({ name: `file-${index}` }));
    await assert.rejects(unpack(rawTarGz(many)), /more than 1000 entries/);
  });

  it('is refused when it unpacks to more than there is room for, without filling the disk first', async () => {
    const bomb = rawTarGz([{ name: 'zeros', content: Buffer.alloc(30 * 1024 ** 2) }]);
    assert.ok(bomb.length < 100_000);
    await assert.rejects(unpack(bomb, { maxEntries: 1000, maxBytes: 10 * 1024 ** 2 }), /server has room for 10 MiB/);
  });

  it('never writes through a link that lay in the tree before', async () => {
    const outside = join(folder, '99999');
    await mkdir(outside);
    count += 1;
    const tree = join(folder, `tree-${count}`);
    await symlink(outside, tree);
    count -= 1;
    await assert.rejects(unpack(rawTarGz([{ name: 'evil', content: 'x' }])), /EEXIST/);
    assert.deepEqual(await readdir(outside), []);
  });
});

function flipped(archive: Buffer): Buffer {
  const copy = Buffer.from(archive);
  const place = Math.floor(copy.length / 2);
  copy[place] = (copy[place] ?? 0) ^ 0x10;
  return copy;
}
