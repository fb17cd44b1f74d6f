import type { BytePath } from './byte-path.ts';

/** Files from this size on are not taken into memory as a whole. */
export const largeFileBytes = 256 * 1024;
/** Files from this size on are cut in chunks, so that what changes in one does not bring all of it. */
export const chunkedFileBytes = 32 * 1024;
/** Mean of the small files' groups. */
const meanGroupBytes = 6 * 1024;
/** No group grows past this, whatever its paths hash to. */
const maxGroupBytes = 1024 * 1024;
/** No block of the index is smaller, where its path allows; it has as many entries more in the mean. */
const minBlockEntries = 8;

/** Whether an entry is a group of its own: a change of its neighbours need not fetch it. */
export function standsAlone(entryBytes: number): boolean {
  return entryBytes >= meanGroupBytes;
}

/**
 * Whether a group of small entries ends after this one. It depends on the entry's own path and size only: a new
 * file changes the group it falls into and no other.
 */
export function endsGroup(path: BytePath, entryBytes: number, groupBytes: number): boolean {
  return hash32(path) < (entryBytes / meanGroupBytes) * 0x1_0000_0000 || groupBytes >= maxGroupBytes;
}

/** Whether a block of the index that has so many entries by now ends with this group of them. */
export function endsBlock(group: ReadonlyArray<{ readonly path: BytePath }>, blockEntries: number): boolean {
  return blockEntries >= minBlockEntries && group.some(({ path }) => hash32(path) % minBlockEntries === 7);
}

/** FNV-1a over the bytes, then the finalizer of MurmurHash3, since FNV alone mixes its high bits badly. */
function hash32(path: BytePath): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < path.length; index += 1) {
    hash = Math.imul(hash ^ path.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
