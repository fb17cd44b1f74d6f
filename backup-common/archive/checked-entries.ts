import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type ArchiveIndex, itemsByPlace } from './archive-index.ts';
import { tailLength } from './archive-tail.ts';
import { indexPath } from './archive-writer.ts';
import { escapeBytes } from './byte-path.ts';
import { ByteQueue } from './byte-queue.ts';
import { type Chunk, damaged, type Member, openMember } from './gzip-member.ts';
import { differenceOf, type IndexEntry, indexEntryOf } from './index-entry.ts';
import { mapAhead } from './map-ahead.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';

/** Members of at most 1 MiB each that are unpacked ahead of the parser, so that zlib's threads have work. */
const membersAhead = 12;

/** An entry as it comes out of an archive. */
export interface ArchiveEntry {
  readonly entry: IndexEntry;
  /** Undefined for what is only recorded: devices and sockets. */
  readonly tar: TarEntry | undefined;
  /** The stored bytes of a file, once. What is not read is passed over. */
  readonly content: () => AsyncIterable<Buffer>;
}

const noContent = async function* (): AsyncGenerator<Buffer> {};

/**
 * Every entry of an archive of ours, in its order, read from the first byte to the last. Each member must have the
 * length and hash of the index, the tar stream inside exactly the entries of the index with their contents; else a
 * BackupError. An entry is proven when the next one is asked for.
 */
export async function* checkedEntries(index: ArchiveIndex): AsyncGenerator<ArchiveEntry> {
  const expected: IndexEntry[] = [];
  const reader = new TarReader(tarStream(index, expected));
  for (let tar = await reader.next(); tar !== undefined; tar = await reader.next()) {
    yield* unstoredAtHead(expected);
    if (tar.path === indexPath && expected.length === 0) continue;
    const entry = expected.shift();
    if (entry?.path !== tar.path) throw damaged(where(index, tar.path), 'is not what the index has at this place');
    const hash = createHash('sha256');
    yield { entry, tar, content: () => tapped(reader, hash) };
    for await (const part of reader.content()) hash.update(part);
    const found = indexEntryOf(tar, { sha256: entry.type === 'file' ? hash.digest('hex') : undefined });
    const difference = differenceOf(entry, found);
    if (difference !== undefined) throw damaged(where(index, tar.path), `differs from the index: ${difference}`);
  }
  if (expected.length > 0) throw damaged(index.source.name, 'lacks entries that its index names');
}

async function* tapped(reader: TarReader, hash: { update(part: Buffer): unknown }): AsyncGenerator<Buffer> {
  for await (const part of reader.content()) {
    hash.update(part);
    yield part;
  }
}

function where(index: ArchiveIndex, path: string): string {
  return `entry "${escapeBytes(path)}" of ${index.source.name}`;
}

function* unstoredAtHead(expected: IndexEntry[]): Generator<ArchiveEntry> {
  for (let entry = expected[0]; entry !== undefined && isUnstored(entry); entry = expected[0]) {
    expected.shift();
    yield { entry, tar: undefined, content: noContent };
  }
}

/** Devices and sockets are in the index only. */
export function isUnstored(entry: Pick<IndexEntry, 'type'>): boolean {
  return entry.type === 'char-device' || entry.type === 'block-device' || entry.type === 'socket';
}

/** The unpacked tar stream. The entries of a member are in `expected` before its first byte is out. */
async function* tarStream(index: ArchiveIndex, expected: IndexEntry[]): AsyncGenerator<Buffer> {
  const { source } = index;
  const queue = new ByteQueue(source.stream(0, source.size - tailLength));
  const unpacked = mapAhead(membersInOrder(index, queue), membersAhead, async ({ compressed, member, entries }) => ({
    data: member === undefined ? undefined : await openMember(compressed, member, `a member of ${source.name}`),
    entries,
  }));
  for await (const { data, entries } of unpacked) {
    expected.push(...entries);
    if (data !== undefined) yield data;
  }
  yield* gunzipped(rest(queue), source.name);
}

interface PackedMember {
  readonly compressed: Buffer;
  readonly member: Member | Chunk | undefined;
  readonly entries: readonly IndexEntry[];
}

async function* membersInOrder(index: ArchiveIndex, queue: ByteQueue): AsyncGenerator<PackedMember> {
  const take = async (member: Member): Promise<Buffer> => {
    const compressed = await queue.take(member.compressedLength);
    if (compressed === undefined) throw damaged(index.source.name, 'is shorter than its index says');
    return compressed;
  };
  for await (const { member, entries, chunks } of itemsByPlace(index)) {
    const compressed = member === undefined ? Buffer.alloc(0) : await take(member);
    yield { compressed, member, entries };
    for (const chunk of chunks) yield { compressed: await take(chunk), member: chunk, entries: [] };
  }
}

async function* rest(queue: ByteQueue): AsyncGenerator<Buffer> {
  for (let part = await queue.takeUpTo(1 << 20); part !== undefined; part = await queue.takeUpTo(1 << 20)) yield part;
}

/** Unpacks any sequence of gzip members; a BackupError when it is none or is cut off. */
export async function* gunzipped(compressed: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const input = Readable.from(compressed);
  input.on('error', (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  try {
    for await (const part of gunzip) yield part as Buffer;
  } catch (error) {
    if (error instanceof Error && 'errno' in error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw damaged(name, `is no intact gzip file (${error.message})`, error);
    }
    throw error;
  } finally {
    input.destroy();
    gunzip.destroy();
  }
}
