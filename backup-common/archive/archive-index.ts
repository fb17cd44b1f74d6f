import type { ArchiveFacts } from './archive-facts.ts';
import { type ArchiveTail, parseTail, tailLength } from './archive-tail.ts';
import { damaged, sha256Of, unpackMember } from './gzip-member.ts';
import { type BlockRow, type PlacedItem, parseBlock, parseBlockRow } from './index-block.ts';
import type { IndexEntry } from './index-entry.ts';
import type { RangeSource } from './range-source.ts';

/** Larger facts or tables than this are refused unread: 10⁷ entries need 40 MB. */
const maxTableBytes = 256 * 1024 * 1024;

/** Blocks are some kilobytes each; so much of them is read at a time. */
const readBytes = 1024 * 1024;

/** A block's row, with the place of the block itself. */
export interface PlacedBlock extends BlockRow {
  readonly offset: number;
}

/** The index of an archive: its facts and table in memory, its blocks read when asked for. */
export interface ArchiveIndex {
  readonly source: RangeSource;
  /** Where the blocks are read when they have been copied out of `source`; their offsets are those there. */
  readonly blockSource?: RangeSource;
  readonly tail: ArchiveTail;
  readonly facts: ArchiveFacts;
  /** In the order of their paths. */
  readonly blocks: readonly PlacedBlock[];
}

/**
 * Reads tail, facts and table. Undefined when the file is not one of ours (any other `.tar.gz`); a BackupError when it
 * is and does not hold together.
 */
export async function openArchiveIndex(source: RangeSource): Promise<ArchiveIndex | undefined> {
  if (source.size < tailLength) return undefined;
  const bytes = await source.read(source.size - tailLength, tailLength);
  const tail = parseTail(bytes, source.name, source.size);
  if (tail === undefined) return undefined;
  const facts = await readPart(source, tail.factsOffset, tail.tableOffset, tail.factsSha256);
  const table = await readPart(source, tail.tableOffset, tail.tableEnd, tail.tableSha256);
  const blocks = placeBlocks(table, tail, source.name);
  return { source, tail, facts: parseFacts(facts, source.name), blocks };
}

async function readPart(source: RangeSource, start: number, end: number, sha256: string): Promise<string> {
  const where = `the index of ${source.name}`;
  if (end - start > maxTableBytes) throw damaged(where, 'is unreasonably large');
  const bytes = await unpackMember(await source.read(start, end - start), maxTableBytes, where);
  if (sha256Of(bytes) !== sha256) throw damaged(where, 'does not have the hash that the tail names');
  return bytes.toString('utf8');
}

function parseFacts(text: string, name: string): ArchiveFacts {
  const facts = JSON.parse(text) as ArchiveFacts;
  if (typeof facts.host !== 'string' || !Array.isArray(facts.services)) throw damaged(name, 'has malformed facts');
  return facts;
}

function placeBlocks(table: string, tail: ArchiveTail, name: string): PlacedBlock[] {
  let offset = tail.blocksOffset;
  const blocks: PlacedBlock[] = [];
  for (const line of table.split('\n')) {
    if (line === '') continue;
    const row = parseBlockRow(line, `the index of ${name}`);
    blocks.push({ ...row, offset });
    offset += row.compressedLength;
  }
  if (offset !== tail.factsOffset) throw damaged(`the index of ${name}`, 'has a table that does not fit its blocks');
  return blocks;
}

/** One block's items, checked against the block's hash. */
export async function readBlock(index: ArchiveIndex, block: PlacedBlock): Promise<PlacedItem[]> {
  return openBlock(index, block, await readFrom(index, block.offset, block.compressedLength));
}

async function openBlock(index: ArchiveIndex, block: PlacedBlock, compressed: Buffer): Promise<PlacedItem[]> {
  const where = `the index of ${index.source.name}`;
  const text = await unpackMember(compressed, block.length, where);
  if (sha256Of(text) !== block.sha256) throw damaged(where, 'has a block whose hash is wrong');
  return parseBlock(text.toString('utf8'), block.membersOffset, where);
}

function readFrom({ source, blockSource = source }: ArchiveIndex, offset: number, length: number): Promise<Buffer> {
  return blockSource.read(offset, length);
}

/** Every block with its items in the order of paths. Neighbours are read together. */
export async function* blocksByPath(
  index: ArchiveIndex,
): AsyncGenerator<{ readonly block: PlacedBlock; readonly items: PlacedItem[] }> {
  for (const neighbours of neighboursOf(index.blocks)) {
    const start = neighbours[0]?.offset ?? 0;
    const bytes = await readFrom(
      index,
      start,
      neighbours.reduce((sum, block) => sum + block.compressedLength, 0),
    );
    for (const block of neighbours) {
      const from = block.offset - start;
      yield { block, items: await openBlock(index, block, bytes.subarray(from, from + block.compressedLength)) };
    }
  }
}

/** Runs of blocks that lie one after the other, each of about 1 MiB at most. */
function* neighboursOf(blocks: readonly PlacedBlock[]): Generator<readonly PlacedBlock[]> {
  let run: PlacedBlock[] = [];
  let [start, end] = [0, 0];
  for (const block of blocks) {
    if (run.length > 0 && (block.offset !== end || end - start >= readBytes)) {
      yield run;
      run = [];
    }
    if (run.length === 0) start = block.offset;
    run.push(block);
    end = block.offset + block.compressedLength;
  }
  if (run.length > 0) yield run;
}

/** Every item in the order of paths. */
export async function* itemsByPath(index: ArchiveIndex): AsyncGenerator<PlacedItem> {
  for await (const { items } of blocksByPath(index)) yield* items;
}

/** Every entry in the order of paths. */
export async function* entriesByPath(index: ArchiveIndex): AsyncGenerator<IndexEntry> {
  for await (const item of itemsByPath(index)) yield* item.entries;
}

/**
 * Every item in the order of the archive, proven to cover it from the first byte to the index without a gap or an
 * overlap.
 */
export async function* itemsByPlace(index: ArchiveIndex): AsyncGenerator<PlacedItem> {
  let position = 0;
  for (const block of [...index.blocks].sort((a, b) => a.membersOffset - b.membersOffset)) {
    if (block.membersOffset !== position) throw damaged(index.source.name, 'has members that overlap or leave a gap');
    for (const item of await readBlock(index, block)) {
      for (const member of [item.member, ...item.chunks]) position += member?.compressedLength ?? 0;
      yield item;
    }
  }
  if (position > index.tail.blocksOffset) throw damaged(index.source.name, 'has members inside its index');
}
