import type { ArchiveIndex } from '#common/archive/archive-index.ts';
import { comparePaths } from '#common/archive/byte-path.ts';
import { treeEntries } from './tree-entry.ts';

/**
 * Whether a file changed its content and kept size and mtime between two archives. restic with --ignore-inode would
 * take the old content for the new one, for good; such a run has to read everything (--force). Only blocks that differ
 * are read.
 */
export async function hasUnseenChange(before: ArchiveIndex, after: ArchiveIndex): Promise<boolean> {
  const old = treeEntries(before, blocksMissingIn(after, before))[Symbol.asyncIterator]();
  let earlier = await old.next();
  for await (const { entry } of treeEntries(after, blocksMissingIn(before, after))) {
    while (earlier.done !== true && comparePaths(earlier.value.entry.path, entry.path) < 0) earlier = await old.next();
    if (earlier.done === true) return false;
    const { path, size, mtimeNs, sha256 } = earlier.value.entry;
    const looksSame = path === entry.path && size === entry.size && mtimeNs === entry.mtimeNs;
    if (looksSame && entry.type === 'file' && sha256 !== entry.sha256) return true;
  }
  return false;
}

/** The blocks of an index that another one does not have. */
export function blocksMissingIn(other: ArchiveIndex, index: ArchiveIndex) {
  const there = new Set(other.blocks.map(({ sha256 }) => sha256));
  return index.blocks.filter(({ sha256 }) => !there.has(sha256));
}
