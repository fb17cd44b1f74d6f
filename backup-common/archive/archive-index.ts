import type { ArchiveFacts } from './archive-facts.ts';
import { type ArchiveTail, parseTail, tailLength } from './archive-tail.ts';
import { damaged, sha256Of, unpackMember } from './gzip-member.ts';
import { type BlockRow, type PlacedItem, parseBlock, parseBlockRow } from './index-block.ts';
import type { IndexEntry } from './index-entry.ts';
import type { RangeSource } from './range-source.ts';

/** Larger facts or tables than this are refused unread: 10⁷ entries need 40 MB. */
const maxTableBytes = 256 * 1024 * 1024;

/** Blocks are some kilobytes each; so much text of them is unpacked at a time, little enough to be done in place. */
const openBytes = 32 * 1024;

/** A block's row, with the place of the block itself. */
export interface PlacedBlock extends BlockRow {
  readonly offset: number;
}

/** The index of an archive: its facts and table in memory, its blocks read when asked for. */
export interface ArchiveIndex {
  readonly source: RangeSource;
  /** Where the blocks are read when they have been copied out of `source`; their offsets are those there. */
  readonly blockSource?: RangeSource;
  /** Where there is one, opened blocks are kept in it, for whoever opens them again. */
  readonly kept?: Map<PlacedBlock, OpenedBlock>;
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
  for await (const { items } of readBlocks(index, [block])) return items;
  return [];
}

export interface OpenedBlock {
  readonly block: PlacedBlock;
  readonly items: PlacedItem[];
}

/** Blocks with their items, each checked against its hash. Those that lie one after the other are opened together. */
export async function* readBlocks(
  index: ArchiveIndex,
  blocks: readonly PlacedBlock[] = index.blocks,
): AsyncGenerator<OpenedBlock> {
  const { kept } = index;
  for (const neighbours of neighboursOf(blocks)) {
    const known = neighbours.run.flatMap((block) => kept?.get(block) ?? []);
    const opened = known.length === neighbours.run.length ? known : await openTogether(index, neighbours);
    for (const one of opened) {
      kept?.set(one.block, one);
      yield one;
    }
  }
}

async function openTogether(index: ArchiveIndex, { run, start, end }: Neighbours): Promise<readonly OpenedBlock[]> {
  const { source, blockSource = source } = index;
  const where = `the index of ${source.name}`;
  const texts = await unpackMember(await blockSource.read(start, end - start), lengthOf(run), where);
  let from = 0;
  return run.map((block) => {
    const text = texts.subarray(from, from + block.length);
    if (sha256Of(text) !== block.sha256) throw damaged(where, 'has a block whose hash is wrong');
    from += block.length;
    return { block, items: parseBlock(text.toString('utf8'), block.membersOffset, where) };
  });
}

interface Neighbours {
  readonly run: PlacedBlock[];
  readonly start: number;
  end: number;
}

/** Runs of blocks that lie one after the other, whose text is of about `openBytes` at most. */
function* neighboursOf(blocks: readonly PlacedBlock[]): Generator<Neighbours> {
  let last: Neighbours | undefined;
  for (const block of blocks) {
    if (last !== undefined && (block.offset !== last.end || lengthOf(last.run) + block.length > openBytes)) {
      yield last;
      last = undefined;
    }
    last ??= { run: [], start: block.offset, end: block.offset };
    last.run.push(block);
    last.end += block.compressedLength;
  }
  if (last !== undefined) yield last;
}

function lengthOf(blocks: readonly PlacedBlock[]): number {
  return blocks.reduce((sum, { length }) => sum + length, 0);
}

/** Every item in the order of paths. */
export async function* itemsByPath(index: ArchiveIndex): AsyncGenerator<PlacedItem> {
  for await (const { items } of readBlocks(index)) for (const item of items) yield item; // `yield*` would wait at each
}

/** Every entry in the order of paths. */
export async function* entriesByPath(index: ArchiveIndex): AsyncGenerator<IndexEntry> {
  for await (const { items } of readBlocks(index)) {
    for (const { entries } of items) for (const entry of entries) yield entry;
  }
}

/**
 * Every item in the order of the archive, proven to cover it from the first byte to the index without a gap or an
 * overlap.
 */
export async function* itemsByPlace(index: ArchiveIndex): AsyncGenerator<PlacedItem> {
  let position = 0;
  const blocks = [...index.blocks].sort((a, b) => a.membersOffset - b.membersOffset);
  for await (const { block, items } of readBlocks(index, blocks)) {
    if (block.membersOffset !== position) throw damaged(index.source.name, 'has members that overlap or leave a gap');
    for (const item of items) {
      for (const member of [item.member, ...item.chunks]) position += member?.compressedLength ?? 0;
      if (position > index.tail.blocksOffset) throw damaged(index.source.name, 'has members inside its index');
      yield item;
    }
  }
}
