import { type ArchiveIndex, type OpenedBlock, type PlacedBlock, readBlocks } from '#common/archive/archive-index.ts';
import type { Chunk } from '#common/archive/gzip-member.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';

/** An entry of an index; of a large file with the members that hold its content in their order. */
export interface TreeEntry {
  readonly entry: IndexEntry;
  readonly chunks: readonly Chunk[];
}

const noChunks: readonly Chunk[] = [];

/** The entries of some blocks of an index, in their order. */
export async function* treeEntries(
  index: ArchiveIndex,
  blocks: readonly PlacedBlock[] = index.blocks,
): AsyncGenerator<TreeEntry> {
  for await (const { items } of readBlocks(index, blocks)) for (const found of entriesOfBlock(items)) yield found;
}

export function* entriesOfBlock(items: OpenedBlock['items']): Generator<TreeEntry> {
  for (const { entries, chunks } of items) {
    for (const entry of entries) yield { entry, chunks: entry === entries.at(-1) ? chunks : noChunks };
  }
}
