import type { ArchiveIndex } from '#common/archive/archive-index.ts';
import { type BytePath, comparePaths } from '#common/archive/byte-path.ts';
import { type IndexEntry, isUnstored } from '#common/archive/index-entry.ts';
import type { WalkedEntry } from '#common/archive/walk-tree.ts';
import { differenceOnDisk, walkBelow } from './compare-tree.ts';
import { diskPath } from './disk-path.ts';
import { hashContent } from './file-content.ts';
import type { TreeState } from './tree-changes.ts';
import { type TreeEntry, treeEntries } from './tree-entry.ts';

/**
 * The state of a folder that nothing vouches for: a tree that was touched, or one that an interrupted run left half done. Every
 * file is read: what is proven to be as the index says counts, all else is told of as what it is, and so will be replaced.
 * Attributes are not read; an entry that should have some is never proven.
 */
export function salvagedState(folder: string, index: ArchiveIndex): TreeState {
  return { folder, entries: salvaged(folder, index), hasBlock: () => false };
}

async function* salvaged(folder: string, index: ArchiveIndex): AsyncGenerator<TreeEntry> {
  const expected = treeEntries(index);
  let next = await expected.next();
  const inodes = new Map<BytePath, bigint>();
  for (const found of walkBelow(folder)) {
    while (next.done !== true && comparePaths(next.value.entry.path, found.path) < 0) next = await expected.next();
    const wanted = next.done !== true && next.value.entry.path === found.path ? next.value : undefined;
    const proven = await prove(folder, found, wanted, inodes);
    if (proven.entry.linked) inodes.set(found.path, found.stat.ino);
    yield proven;
  }
}

async function prove(
  folder: string,
  found: WalkedEntry,
  wanted: TreeEntry | undefined,
  inodes: ReadonlyMap<BytePath, bigint>,
): Promise<TreeEntry> {
  if (wanted === undefined || isUnstored(wanted.entry)) return foundEntry(found, undefined);
  const { entry, chunks } = wanted;
  if (entry.type === 'hardlink')
    return inodes.get(entry.link ?? '') === found.stat.ino ? wanted : foundEntry(found, undefined);
  const file = diskPath(folder, found.path);
  const isSame = entry.attributes === undefined && differenceOnDisk(file, entry, found.stat) === undefined;
  if (entry.type !== 'file' || found.stat.type !== 'file') return isSame ? wanted : foundEntry(found, undefined);
  const lengths = chunks.map(({ length }) => length);
  const { whole, pieces } = await hashContent(file, lengths);
  if (isSame && whole === entry.sha256) return wanted;
  return {
    entry: foundEntry(found, whole).entry,
    chunks: pieces.map((sha256, place) => ({ sha256, length: lengths[place] ?? 0, compressedLength: 0 })),
  };
}

/** What is there instead; whatever is no file, folder or link goes like a FIFO. No attributes of an entry are like these. */
function foundEntry({ path, stat }: WalkedEntry, sha256: string | undefined): TreeEntry {
  const { type, mode, uid, gid, mtimeNs, size } = stat;
  const entry: IndexEntry = {
    path,
    type: isUnstored(stat) ? 'fifo' : type,
    mode,
    uid,
    gid,
    mtimeNs,
    size,
    sha256,
    link: undefined,
    attributes: 'unknown',
    device: undefined,
    linked: false,
    unstable: false,
  };
  return { entry, chunks: [] };
}
