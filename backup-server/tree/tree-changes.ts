import { type ArchiveIndex, readBlocks } from '#common/archive/archive-index.ts';
import { type BytePath, comparePaths, parentOf } from '#common/archive/byte-path.ts';
import type { IndexItem } from '#common/archive/index-block.ts';
import { differenceOf, type IndexEntry, isUnstored } from '#common/archive/index-entry.ts';
import { chunkedFileBytes } from '#common/archive/member-boundaries.ts';
import { blocksMissingIn } from './changed-unseen.ts';
import { ContentDonors } from './content-donors.ts';
import { entriesOfBlock, type TreeEntry, treeEntries } from './tree-entry.ts';

/** What a tree holds now. */
export interface TreeState {
  readonly folder: string;
  /** The entries in path order; those of the blocks that `hasBlock` says yes to need not be among them. */
  readonly entries: AsyncIterable<TreeEntry>;
  /** Whether all entries of the block with this sha256 are in the tree just so. */
  hasBlock(sha256: string): boolean;
}

/** What turns a tree into that of an index. */
export interface TreeChanges {
  /** Entries to be made anew, by path. */
  readonly changed: ReadonlySet<BytePath>;
  /** The sha256 of the index's blocks that have changed entries. */
  readonly changedBlocks: ReadonlySet<string>;
  /** Paths to be removed before that, parents first; no folder that stays one is among them. */
  readonly removed: readonly BytePath[];
  /** Folders that stay and cannot keep their attributes: an empty one takes the place of each. */
  readonly replacedFolders: ReadonlySet<BytePath>;
  /** Folders that only lose or get names, and so must be given their times again. */
  readonly touchedFolders: ReadonlyMap<BytePath, IndexEntry>;
  /** Bytes of the files among the changed entries. */
  readonly changedBytes: number;
  /** Where contents of changed entries lie in the tree already. */
  readonly donors: ContentDonors;
}

/** The tree as an index describes it that has blocks in common with the new one. */
export function stateOf(folder: string, before: ArchiveIndex, after: ArchiveIndex): TreeState {
  const known = new Set(before.blocks.map(({ sha256 }) => sha256));
  const entries = treeEntries(before, blocksMissingIn(after, before));
  return { folder, entries, hasBlock: (sha256) => known.has(sha256) };
}

/**
 * Compares the tree with the index in path order; `look` sees every item of the index. A file is one thing with all its
 * names: when its first name changes, its hard links are made anew. Memory: the changed paths, and the folders on the
 * way down.
 */
export async function changesTo(
  index: ArchiveIndex,
  state: TreeState,
  look: (item: IndexItem) => void,
): Promise<TreeChanges> {
  const changed = new Set<BytePath>();
  const changedBlocks = new Set<string>();
  const removed: BytePath[] = [];
  const replacedFolders = new Set<BytePath>();
  const folders = new FolderWatch(changed);
  const donors = new ContentDonors(state.folder);
  let changedBytes = 0;
  const compare = (old: TreeEntry | undefined, now: TreeEntry | undefined, block: string): void => {
    const path = (now ?? old)?.entry.path ?? '';
    folders.enter(path, now?.entry);
    if (!isDifferent(old?.entry, now?.entry, changed)) return;
    folders.touchParentOf(path);
    if (old !== undefined && now !== undefined && losesAttributes(old.entry, now.entry)) replacedFolders.add(path);
    if (old !== undefined) donors.add(old);
    if (old !== undefined && mustGo(old.entry, now?.entry)) removed.push(path);
    if (now === undefined || isUnstored(now.entry)) return;
    changed.add(path);
    changedBlocks.add(block);
    changedBytes += storedBytes(now);
  };
  const old = state.entries[Symbol.asyncIterator]();
  let earlier = await old.next();
  for await (const { block, items } of readBlocks(index)) {
    for (const item of items) look(item);
    const isKnown = state.hasBlock(block.sha256);
    for (const now of entriesOfBlock(items)) {
      const { path } = now.entry;
      for (; earlier.done !== true && comparePaths(earlier.value.entry.path, path) < 0; earlier = await old.next())
        compare(earlier.value, undefined, '');
      const isTwin = earlier.done !== true && earlier.value.entry.path === path;
      compare(isKnown ? now : isTwin ? earlier.value : undefined, now, block.sha256);
      if (isTwin) earlier = await old.next();
    }
  }
  for (; earlier.done !== true; earlier = await old.next()) compare(earlier.value, undefined, '');
  const touchedFolders = folders.finish();
  return { changed, changedBlocks, removed, replacedFolders, touchedFolders, changedBytes, donors };
}

/**
 * All but folders that stay: to rename a new file over an old one would make ext4 write the new one out at once, a millisecond
 * for each.
 */
function mustGo(old: IndexEntry, now: IndexEntry | undefined): boolean {
  return !isUnstored(old) && !(old.type === 'folder' && now?.type === 'folder');
}

function losesAttributes(old: IndexEntry, now: IndexEntry): boolean {
  const staysFolder = old.type === 'folder' && now.type === 'folder';
  return staysFolder && old.attributes !== undefined && old.attributes !== now.attributes;
}

/** What an entry takes on disk; a small file with attributes may be sparse. */
function storedBytes({ entry, chunks }: TreeEntry): number {
  if (chunks.length > 0) return chunks.reduce((sum, { length }) => sum + length, 0);
  return entry.attributes === undefined ? entry.size : Math.min(entry.size, chunkedFileBytes);
}

function isDifferent(
  old: IndexEntry | undefined,
  now: IndexEntry | undefined,
  changed: ReadonlySet<BytePath>,
): boolean {
  if (old === undefined || now === undefined) return true;
  if (now.type === 'hardlink' && changed.has(now.link ?? '')) return true;
  return old !== now && differenceOf(old, now) !== undefined;
}

/** Finds the folders that get or lose names without being changed themselves. Paths must come in order. */
class FolderWatch {
  readonly #open: IndexEntry[] = [];
  readonly #touched = new Set<BytePath>();
  readonly #noted = new Map<BytePath, IndexEntry>();

  constructor(private readonly changed: ReadonlySet<BytePath>) {}

  enter(path: BytePath, now: IndexEntry | undefined): void {
    for (
      let last = this.#open.at(-1);
      last !== undefined && !path.startsWith(`${last.path}/`);
      last = this.#open.at(-1)
    )
      this.#close(last);
    if (now?.type === 'folder') this.#open.push(now);
  }

  touchParentOf(path: BytePath): void {
    const parent = parentOf(path);
    if (parent !== undefined) this.#touched.add(parent);
  }

  finish(): ReadonlyMap<BytePath, IndexEntry> {
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) this.#close(last);
    return this.#noted;
  }

  #close(folder: IndexEntry): void {
    this.#open.pop();
    if (this.#touched.delete(folder.path) && !this.changed.has(folder.path)) this.#noted.set(folder.path, folder);
  }
}
