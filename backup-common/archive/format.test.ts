import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openArchiveIndex } from './archive-index.ts';
import { workInPlace } from './archive-work.ts';
import { openFileSource } from './file-range-source.ts';
import { verifyArchive } from './verify-archive.ts';

/**
 * An archive of format version 1 as `local-backup run` made it: small files, chunks, hard link, symbolic link, FIFO,
 * device, extended attribute, holes, a name that is no UTF-8. Later programs have to read it, too. It is read here by
 * what FORMAT.md says, without our own code.
 */
const samplePath = fileURLToPath(new URL('sample-archive.tar.gz', import.meta.url));
const bytes = readFileSync(samplePath);

const sha256Of = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const linesOf = (data: Uint8Array): string[] => Buffer.from(data).toString('utf8').trimEnd().split('\n');

function tailOf(file: Buffer) {
  const tail = file.subarray(-124);
  const place = (number: number): number => Number(tail.readBigUInt64LE(18 + 8 * number));
  return {
    tail,
    blocksOffset: place(0),
    factsOffset: place(1),
    tableOffset: place(2),
    tableEnd: place(3),
    factsSha256: tail.toString('hex', 50, 82),
    tableSha256: tail.toString('hex', 82, 114),
  };
}

type Row = readonly [sha256: string, packed: number, length: number, membersOffset: number, entries: number];
type Line = Readonly<Record<string, unknown>>;

/** The lines of all blocks, each with the place of its block's first member. */
function blocksOf(file: Buffer): { readonly membersOffset: number; readonly lines: readonly Line[] }[] {
  const { blocksOffset, tableOffset, tableEnd } = tailOf(file);
  let offset = blocksOffset;
  return linesOf(gunzipSync(file.subarray(tableOffset, tableEnd))).map((row) => {
    const [sha256, packed, length, membersOffset, entries] = JSON.parse(row) as Row;
    const text = gunzipSync(file.subarray(offset, offset + packed));
    offset += packed;
    assert.equal(sha256Of(text), sha256);
    assert.equal(text.length, length);
    const lines = linesOf(text).map((line) => JSON.parse(line) as Line);
    assert.equal(lines.filter((line) => 'path' in line).length, entries);
    return { membersOffset, lines };
  });
}

it('the tail is where FORMAT.md says, and vouches for facts and table', () => {
  const { tail, factsOffset, tableOffset, tableEnd, factsSha256, tableSha256 } = tailOf(bytes);
  assert.equal(tail.subarray(0, 10).toString('hex'), '1f8b0804000000000003');
  assert.deepEqual([tail.readUInt16LE(10), tail.readUInt16LE(14), tail.readUInt16LE(16)], [102, 98, 1]);
  assert.equal(tail.toString('latin1', 12, 14), 'BK');
  const facts = gunzipSync(bytes.subarray(factsOffset, tableOffset));
  assert.equal(sha256Of(facts), factsSha256);
  assert.equal(sha256Of(gunzipSync(bytes.subarray(tableOffset, tableEnd))), tableSha256);
  const { host, entries } = JSON.parse(linesOf(facts)[0] ?? '') as Line;
  assert.deepEqual([host, entries], ['web', 17]);
});

it('blocks describe every member, one after the other, and every content by its hash', () => {
  const contents = new Map<string, string>();
  let end = 0;
  for (const { membersOffset, lines } of blocksOf(bytes)) {
    assert.equal(membersOffset, end);
    let file: Line | undefined;
    for (const line of lines) {
      if ('path' in line) file = line;
      const [packed = 0, length, hash] = (line.member ?? line.chunk ?? []) as [number?, number?, string?];
      if (packed === 0) continue;
      const unpacked = gunzipSync(bytes.subarray(end, end + packed));
      end += packed;
      assert.equal(unpacked.length, length);
      if (!('chunk' in line)) continue;
      assert.equal(sha256Of(unpacked).slice(0, 32), hash);
      const path = String(file?.path);
      contents.set(path, (contents.get(path) ?? '') + unpacked.toString('latin1'));
    }
  }
  const chunked = blocksOf(bytes).flatMap(({ lines }) => lines.filter(({ path }) => contents.has(String(path))));
  assert.equal(chunked.length, 1);
  for (const { path, size, sha256 } of chunked) {
    const content = Buffer.from(contents.get(String(path)) ?? '', 'latin1').subarray(0, Number(size));
    assert.equal(sha256Of(content), sha256);
  }
});

it('entries are as FORMAT.md says', () => {
  const folder = 'sample/sample/data/sample/folder/';
  const entries = blocksOf(bytes)
    .flatMap(({ lines }) => lines)
    .filter(({ path }) => String(path).startsWith(folder))
    .map(({ path, type, mode, uid, gid, size, link, device, linked }) =>
      [String(path).slice(folder.length), type, mode, uid, gid, size, link, device, linked].filter(
        (value) => value !== undefined,
      ),
    );
  assert.deepEqual(entries, [
    ['attributes', 'file', '0644', 0, 0, 1],
    ['chunked', 'file', '0644', 0, 0, 60_894],
    ['empty', 'file', '0644', 0, 0, 0],
    ['fifo', 'fifo', '0644', 0, 0],
    ['link', 'symlink', '0777', 1000, 1001, 'small'],
    ['name-\\xff', 'file', '0644', 0, 0, 1],
    ['null', 'char-device', '0644', 0, 0, '1:3'],
    ['second-name', 'file', '4750', 0, 0, 13, true],
    ['small', 'hardlink', '4750', 0, 0, `${folder}second-name`],
    ['sparse', 'file', '0644', 0, 0, 1_048_579],
  ]);
});

it('this program reads it whole', async () => {
  const source = await openFileSource(samplePath);
  try {
    const index = await openArchiveIndex(source);
    assert.ok(index !== undefined);
    assert.deepEqual(await verifyArchive(index, workInPlace()), { entries: 17, bytes: 1_109_546 });
  } finally {
    await source.close();
  }
});
