import { type BytePath, parentOf } from './byte-path.ts';
import type { IndexEntry } from './index-entry.ts';

/** Which entries of an archive to restore, and under which path the content of each goes. */
export interface Selection {
  /** The path to write an entry to; undefined when it is not wanted. */
  pathOf(entry: Pick<IndexEntry, 'path' | 'type'>): BytePath | undefined;
  /** The target that a wanted hard link gets. */
  linkOf(link: BytePath): BytePath;
  /** Wanted paths that no entry has. */
  readonly missing: readonly BytePath[];
}

/**
 * The wanted paths with all below them and the folders above them; everything when `wanted` is empty. The content of a
 * hard link lies with its first name: when that is not wanted, the first wanted name gets it.
 */
export async function select(entries: AsyncIterable<IndexEntry>, wanted: readonly BytePath[]): Promise<Selection> {
  const found = new Set<BytePath>();
  const folders = new Set(wanted.flatMap(parentsOf));
  const standIns = new Map<BytePath, BytePath>();
  const wantedAbove = (path: BytePath) => wanted.find((want) => path === want || path.startsWith(`${want}/`));
  const isWanted = (path: BytePath) => wanted.length === 0 || wantedAbove(path) !== undefined;
  for await (const entry of entries) {
    const want = wantedAbove(entry.path);
    if (want !== undefined) found.add(want);
    const { link, path } = entry;
    const needsContent = entry.type === 'hardlink' && link !== undefined && isWanted(path) && !isWanted(link);
    if (needsContent && !standIns.has(link)) standIns.set(link, path);
  }
  return {
    pathOf: ({ path, type }) => {
      if (isWanted(path)) return isStandIn(path) ? undefined : path;
      return type === 'folder' && folders.has(path) ? path : standIns.get(path);
    },
    linkOf: (link) => standIns.get(link) ?? link,
    missing: wanted.filter((path) => !found.has(path)),
  };

  /** A hard link whose place in the output has been taken by the content itself. */
  function isStandIn(path: BytePath): boolean {
    return [...standIns.values()].includes(path);
  }
}

function parentsOf(path: BytePath): BytePath[] {
  const parent = parentOf(path);
  return parent === undefined ? [] : [parent, ...parentsOf(parent)];
}
