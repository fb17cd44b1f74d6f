import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type ArchiveIndex, itemsByPlace } from '#common/archive/archive-index.ts';
import { type BytePath, escapeBytes } from '#common/archive/byte-path.ts';
import { isUnstored } from '#common/archive/checked-entries.ts';
import { damaged, openMember } from '#common/archive/gzip-member.ts';
import type { IndexItem, PlacedMember } from '#common/archive/index-block.ts';
import { differenceOf, type IndexEntry, indexEntryOf } from '#common/archive/index-entry.ts';
import { mapAhead } from '#common/archive/map-ahead.ts';
import { MemberWriter } from '#common/archive/member-writer.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { blockSize, encodeTarEntry, paddingAfter } from '#common/archive/tar-header.ts';
import { TarReader } from '#common/archive/tar-reader.ts';

/** Ranges under way at the same time. */
const rangesAhead = 16;
/** Reading so many bytes for nothing is cheaper than another round trip. */
const worthwhileGap = 64 * 1024;
/** A range is not made longer than this, to bound memory. */
const maxRange = 1024 * 1024;

/** An item of the index with changed entries: its own member is needed, and its chunks when their file has changed. */
interface Needed {
  readonly item: IndexItem<PlacedMember>;
  readonly members: readonly PlacedMember[];
}

/**
 * Fetches just the members that hold changed entries, proves their hashes and every changed entry, and writes those
 * entries to `spool` as a tar stream of our own headers. Touches nothing else. Tells how many bytes it fetched.
 */
export async function fetchChanges(
  index: ArchiveIndex,
  changed: ReadonlySet<BytePath>,
  spool: FileHandle,
): Promise<number> {
  const writer = new MemberWriter(spool);
  const waiting: Needed[] = [];
  let fetched = 0;
  const fetch = async (range: readonly PlacedMember[]): Promise<readonly Buffer[]> => {
    const [start, end] = [range[0]?.offset ?? 0, endOf(range.at(-1))];
    const bytes = await index.source.read(start, end - start);
    fetched += bytes.length;
    return Promise.all(
      range.map((member) =>
        openMember(
          bytes.subarray(member.offset - start, endOf(member) - start),
          member,
          `a member of ${index.source.name}`,
        ),
      ),
    );
  };
  const contents = flat(mapAhead(rangesOf(membersOf(neededItems(index, changed), waiting)), rangesAhead, fetch));
  for (let first = await contents.next(); first.done !== true; first = await contents.next()) {
    const needed = waiting.shift();
    if (needed === undefined) throw new Error('a member was fetched that nobody had asked for');
    const own = memberContents(first.value, needed.members.length - 1, contents);
    await spoolChanged(index, needed, own, changed, writer);
    while ((await own.next()).done !== true); // what nobody read, such as the padding after a stream
  }
  await writer.addRaw(Buffer.alloc(2 * blockSize));
  await writer.flush();
  return fetched;
}

async function* neededItems(index: ArchiveIndex, changed: ReadonlySet<BytePath>): AsyncGenerator<Needed> {
  for await (const item of itemsByPlace(index)) {
    if (item.member === undefined || !item.entries.some(({ path }) => changed.has(path))) continue;
    const hasChangedFile = changed.has(item.entries.at(-1)?.path ?? '');
    yield { item, members: hasChangedFile ? [item.member, ...item.chunks] : [item.member] };
  }
}

/** The members one by one; who they are for is in `waiting` before the first of them is out. */
async function* membersOf(items: AsyncIterable<Needed>, waiting: Needed[]): AsyncGenerator<PlacedMember> {
  for await (const needed of items) {
    waiting.push(needed);
    yield* needed.members;
  }
}

/** Members that lie close together become one range; members in between are read with them and not unpacked. */
async function* rangesOf(members: AsyncIterable<PlacedMember>): AsyncGenerator<readonly PlacedMember[]> {
  let range: PlacedMember[] = [];
  for await (const member of members) {
    const isNear =
      member.offset - endOf(range.at(-1)) <= worthwhileGap && endOf(member) - (range[0]?.offset ?? 0) <= maxRange;
    if (range.length > 0 && !isNear) {
      yield range;
      range = [];
    }
    range.push(member);
  }
  if (range.length > 0) yield range;
}

function endOf(member: PlacedMember | undefined): number {
  return member === undefined ? 0 : member.offset + member.compressedLength;
}

async function* flat<T>(lists: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const list of lists) yield* list;
}

async function* memberContents(first: Buffer, more: number, contents: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let count = 0; count < more; count += 1) {
    const next = await contents.next();
    if (next.done === true) return;
    yield next.value;
  }
}

/** Reads an item's entries and writes the changed ones to the spool. */
async function spoolChanged(
  index: ArchiveIndex,
  { item, members }: Needed,
  contents: AsyncIterable<Buffer>,
  changed: ReadonlySet<BytePath>,
  writer: MemberWriter,
): Promise<void> {
  const reader = new TarReader(contents);
  const stored = item.entries.filter((entry) => !isUnstored(entry));
  for (const entry of stored) {
    const tar = await reader.next();
    const where = `entry "${escapeBytes(entry.path)}" of ${index.source.name}`;
    if (tar?.path !== entry.path) throw damaged(where, 'is not what the index has at this place');
    if (changed.has(entry.path)) await spoolEntry(entry, tar, reader, where, writer);
    const hasContentElsewhere = entry === stored.at(-1) && members.length <= item.chunks.length;
    if (hasContentElsewhere) return;
  }
}

async function spoolEntry(
  entry: IndexEntry,
  tar: TarEntry,
  reader: TarReader,
  where: string,
  writer: MemberWriter,
): Promise<void> {
  const hash = createHash('sha256');
  await writer.addRaw(encodeTarEntry(tar));
  for await (const part of reader.content()) {
    hash.update(part);
    await writer.addRaw(part);
  }
  await writer.addRaw(Buffer.alloc(paddingAfter(tar.storedSize)));
  const found = indexEntryOf(tar, { sha256: entry.type === 'file' ? hash.digest('hex') : undefined });
  const difference = differenceOf(entry, found);
  if (difference !== undefined) throw damaged(where, `differs from the index: ${difference}`);
}
