import { comparePaths } from '#common/archive/byte-path.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';

/**
 * Whether a file changed its content and kept size and mtime between two archives. restic with --ignore-inode would
 * take the old content for the new one, for good; such a run has to read everything (--force).
 */
export async function hasUnseenChange(
  before: AsyncIterable<IndexEntry>,
  after: AsyncIterable<IndexEntry>,
): Promise<boolean> {
  const old = before[Symbol.asyncIterator]();
  let earlier = await old.next();
  for await (const entry of after) {
    while (earlier.done !== true && comparePaths(earlier.value.path, entry.path) < 0) earlier = await old.next();
    if (earlier.done === true) return false;
    const same =
      earlier.value.path === entry.path && earlier.value.size === entry.size && earlier.value.mtimeNs === entry.mtimeNs;
    if (same && entry.type === 'file' && earlier.value.sha256 !== entry.sha256) return true;
  }
  return false;
}
