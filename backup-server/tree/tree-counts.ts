import { type IndexEntry, isUnstored } from '#common/archive/index-entry.ts';

/** What restic must have seen when it stored a tree: regular files by each of their names, and their bytes. */
export interface TreeCounts {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Counts as restic does (0.14 and 0.18, tried): names of regular files, hard links included with their size; no links,
 * folders or FIFOs. Memory: the sizes of files that have several names.
 */
export class TreeCounter implements TreeCounts {
  files = 0;
  bytes = 0;
  readonly #sizes = new Map<string, number>();

  add(entry: IndexEntry): void {
    if (entry.type === 'file' && entry.linked) this.#sizes.set(entry.path, entry.size);
    if (isUnstored(entry) || (entry.type !== 'file' && entry.type !== 'hardlink')) return;
    this.files += 1;
    this.bytes += entry.type === 'file' ? entry.size : (this.#sizes.get(entry.link ?? '') ?? 0);
  }
}

export function countTree(entries: Iterable<IndexEntry>): TreeCounts {
  const counter = new TreeCounter();
  for (const entry of entries) counter.add(entry);
  return counter;
}
