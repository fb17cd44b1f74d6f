import { isUnstored } from '#common/archive/checked-entries.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';

/** What restic must have seen when it stored a tree: regular files by each of their names, and their bytes. */
export interface TreeCounts {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Counts as restic does (0.14 and 0.18, tried): names of regular files, hard links included with their size; no links,
 * folders or FIFOs. Memory: the sizes of files that have several names.
 */
export async function countTree(entries: AsyncIterable<IndexEntry>): Promise<TreeCounts> {
  const sizes = new Map<string, number>();
  let files = 0;
  let bytes = 0;
  for await (const entry of entries) {
    if (entry.type === 'file' && entry.linked) sizes.set(entry.path, entry.size);
    if (isUnstored(entry) || (entry.type !== 'file' && entry.type !== 'hardlink')) continue;
    files += 1;
    bytes += entry.type === 'file' ? entry.size : (sizes.get(entry.link ?? '') ?? 0);
  }
  return { files, bytes };
}
