import { type ArchiveIndex, type PlacedBlock, readBlock } from '#common/archive/archive-index.ts';
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
  blocks: Iterable<PlacedBlock> = index.blocks,
): AsyncGenerator<TreeEntry> {
  for (const block of blocks) yield* entriesOfBlock(await readBlock(index, block));
}

export function* entriesOfBlock(items: Awaited<ReturnType<typeof readBlock>>): Generator<TreeEntry> {
  for (const { entries, chunks } of items) {
    for (const entry of entries) yield { entry, chunks: entry === entries.at(-1) ? chunks : noChunks };
  }
}
