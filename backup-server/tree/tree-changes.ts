import { type BytePath, comparePaths, parentOf } from '#common/archive/byte-path.ts';
import { isUnstored } from '#common/archive/checked-entries.ts';
import { formatIndexEntry, type IndexEntry } from '#common/archive/index-entry.ts';

/** What turns the tree of one index into that of another. */
export interface TreeChanges {
  /** Entries to be unpacked anew, by path. */
  readonly changed: ReadonlySet<BytePath>;
  /** Paths to be removed before that, parents first; no folder that stays one is among them. */
  readonly removed: readonly BytePath[];
  /** Folders that only lose or get names, and so must be given their times again. */
  readonly touchedFolders: ReadonlyMap<BytePath, IndexEntry>;
  /** Why the tree cannot be changed in place; undefined when it can. */
  readonly obstacle: string | undefined;
}

/**
 * Compares two indexes in path order. A file is one thing with all its names: when its first name changes, its hard links
 * are made anew. Memory: the changed paths, and the folders on the way down.
 */
export async function changesBetween(
  before: AsyncIterable<IndexEntry>,
  after: AsyncIterable<IndexEntry>,
): Promise<TreeChanges> {
  const changed = new Set<BytePath>();
  const removed: BytePath[] = [];
  const touchedFolders = new Map<BytePath, IndexEntry>();
  const openFolders: IndexEntry[] = [];
  const touched = new Set<BytePath>();
  let obstacle: string | undefined;
  const touchParent = (path: BytePath): void => {
    const parent = parentOf(path);
    if (parent !== undefined) touched.add(parent);
  };
  for await (const [old, now] of inStep(before, after)) {
    const path = (now ?? old)?.path ?? '';
    closeFolders(openFolders, path, touched, changed, touchedFolders);
    if (now?.type === 'folder') openFolders.push(now);
    if (!isDifferent(old, now, changed)) continue;
    const staysFolder = old?.type === 'folder' && now?.type === 'folder';
    if (staysFolder && old.attributes !== now.attributes)
      obstacle ??= `the attributes of the folder "${path}" have changed`;
    if (old !== undefined && !isUnstored(old) && !staysFolder) removed.push(path);
    if (now !== undefined && !isUnstored(now)) changed.add(path);
    touchParent(path);
  }
  closeFolders(openFolders, undefined, touched, changed, touchedFolders);
  return { changed, removed, touchedFolders, obstacle };
}

/** Folders that the path is not below are done: those that were touched and not changed themselves are noted. */
function closeFolders(
  open: IndexEntry[],
  path: BytePath | undefined,
  touched: Set<BytePath>,
  changed: ReadonlySet<BytePath>,
  noted: Map<BytePath, IndexEntry>,
): void {
  for (
    let last = open.at(-1);
    last !== undefined && !(path?.startsWith(`${last.path}/`) ?? false);
    last = open.at(-1)
  ) {
    open.pop();
    if (touched.delete(last.path) && !changed.has(last.path)) noted.set(last.path, last);
  }
}

function isDifferent(
  old: IndexEntry | undefined,
  now: IndexEntry | undefined,
  changed: ReadonlySet<BytePath>,
): boolean {
  if (old === undefined || now === undefined) return true;
  if (now.type === 'hardlink' && changed.has(now.link ?? '')) return true;
  return formatIndexEntry(inTree(old)) !== formatIndexEntry(inTree(now));
}

/** An entry without what leaves no trace in a tree. */
function inTree(entry: IndexEntry): IndexEntry {
  return { ...entry, linked: false, unstable: false };
}

type Step = readonly [old: IndexEntry | undefined, now: IndexEntry | undefined];

/** The entries of both, those of one path together. */
async function* inStep(before: AsyncIterable<IndexEntry>, after: AsyncIterable<IndexEntry>): AsyncGenerator<Step> {
  const [left, right] = [before[Symbol.asyncIterator](), after[Symbol.asyncIterator]()];
  let [old, now] = await Promise.all([left.next(), right.next()]);
  while (old.done !== true || now.done !== true) {
    const order = old.done === true ? 1 : now.done === true ? -1 : comparePaths(old.value.path, now.value.path);
    yield [
      order <= 0 && old.done !== true ? old.value : undefined,
      order >= 0 && now.done !== true ? now.value : undefined,
    ];
    if (order <= 0) old = await left.next();
    if (order >= 0) now = await right.next();
  }
}
