import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { encodeTail } from '#common/archive/archive-tail.ts';
import { ArchiveWriter } from '#common/archive/archive-writer.ts';
import { compressMember, type Member, sha256Of } from '#common/archive/gzip-member.ts';
import { type BlockRow, formatBlock, formatBlockRow, type IndexItem } from '#common/archive/index-block.ts';
import { type EntryFacts, type IndexEntry, indexEntryOf } from '#common/archive/index-entry.ts';
import { largeFileBytes } from '#common/archive/member-boundaries.ts';
import type { StoredType, TarEntry } from '#common/archive/tar-entry.ts';
import { encodeTarEntry, paddingAfter } from '#common/archive/tar-header.ts';

/** An entry for an archive of a test; what is left out is that of an ordinary file of root's. */
export interface TestEntry {
  readonly path: string;
  readonly type?: StoredType;
  readonly content?: Buffer | string;
  readonly mode?: number;
  /** Seconds. */
  readonly mtime?: number;
  readonly link?: string;
  /** What the index says instead of the truth. */
  readonly facts?: EntryFacts;
}

/** Writes an archive of these entries, which are to be in path order, as the client's program does. */
export async function writeArchive(path: string, entries: readonly TestEntry[], host = 'web'): Promise<void> {
  await rm(path, { force: true });
  const [file, spool] = [await open(path, 'wx+'), await open(`${path}.spool`, 'w+')];
  try {
    const writer = new ArchiveWriter(file, spool);
    for (const entry of entries) {
      const [tar, content] = [tarEntryOf(entry), contentOf(entry)];
      const facts = { ...factsOf(tar, content), ...entry.facts };
      if (content.length < largeFileBytes) await writer.add(tar, [content], facts);
      else await writer.addLarge(tar, once(content), async () => facts);
    }
    await writer.finish({ host, program: 'test', createdAt: '', services: [] }, 0n);
  } finally {
    await file.close();
    await spool.close();
  }
}

/** A block of an index and the members that it describes, both free to lie. */
export interface CraftedBlock {
  readonly items: readonly IndexItem[];
  /** What the table says of the block instead of the truth. */
  readonly row?: Partial<BlockRow>;
}

/** Writes an archive with any bytes as its members and any index, whose own hashes are right. */
export async function craftArchive(path: string, members: Buffer, blocks: readonly CraftedBlock[]): Promise<void> {
  const texts = blocks.map(({ items }) => Buffer.from(formatBlock(items)));
  const packed = await Promise.all(texts.map(compressMember));
  const rows = blocks.map(({ items, row }, place) => ({
    sha256: sha256Of(texts[place] ?? Buffer.alloc(0)),
    compressedLength: packed[place]?.length ?? 0,
    length: texts[place]?.length ?? 0,
    membersOffset: 0,
    entries: items.reduce((sum, { entries }) => sum + entries.length, 0),
    ...row,
  }));
  const facts = Buffer.from('{"host":"web","program":"test","createdAt":"","entries":0,"services":[]}\n');
  const table = Buffer.from(rows.map((row) => `${formatBlockRow(row)}\n`).join(''));
  const [packedFacts, packedTable] = [await compressMember(facts), await compressMember(table)];
  const factsOffset = members.length + Buffer.concat(packed).length;
  const tableOffset = factsOffset + packedFacts.length;
  const tail = encodeTail({
    blocksOffset: members.length,
    factsOffset,
    tableOffset,
    tableEnd: tableOffset + packedTable.length,
    factsSha256: sha256Of(facts),
    tableSha256: sha256Of(table),
  });
  const file = await open(path, 'w');
  await file.writeFile(Buffer.concat([members, ...packed, packedFacts, packedTable, tail]));
  await file.close();
}

/** One file as the only entry of a member, and what an honest index says of both. */
export async function memberOf(entry: TestEntry): Promise<{ bytes: Buffer; member: Member; entry: IndexEntry }> {
  const [tar, content] = [tarEntryOf(entry), contentOf(entry)];
  const text = Buffer.concat([encodeTarEntry(tar), content, Buffer.alloc(paddingAfter(content.length))]);
  const bytes = await compressMember(text);
  const member = { compressedLength: bytes.length, length: text.length };
  return { bytes, member, entry: indexEntryOf(tar, factsOf(tar, content)) };
}

function tarEntryOf({
  path,
  type = 'file',
  mode = 0o644,
  mtime = 1_700_000_000,
  link,
  content = '',
}: TestEntry): TarEntry {
  const size = Buffer.byteLength(content);
  const mtimeNs = BigInt(mtime) * 1_000_000_000n;
  return { path, type, mode, uid: 0, gid: 0, mtimeNs, size, storedSize: size, link, attributes: [] };
}

function contentOf({ content = '' }: TestEntry): Buffer {
  return Buffer.from(content);
}

function factsOf({ type }: TarEntry, content: Buffer): EntryFacts {
  return type === 'file' ? { sha256: createHash('sha256').update(content).digest('hex'), linked: true } : {};
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
