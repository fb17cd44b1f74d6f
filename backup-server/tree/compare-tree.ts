import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs';
import { type BytePath, comparePaths, escapeBytes } from '#common/archive/byte-path.ts';
import { isUnstored } from '#common/archive/checked-entries.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { type WalkedEntry, walkTree } from '#common/archive/walk-tree.ts';
import { noteName } from './archive-note.ts';
import { diskPath } from './disk-path.ts';

/** What is not as the index says, in words for people; at most this many are listed. */
const maxDifferences = 20;

/**
 * Compares a whole tree with the entries of an index, both in path order: names, types, modes, owners, times, sizes,
 * link targets and which names are one file. Contents are not read.
 */
export async function compareTree(root: string, expected: AsyncIterable<IndexEntry>): Promise<readonly string[]> {
  const differences: string[] = [];
  const note = (path: BytePath, what: string): void => {
    if (differences.length < maxDifferences) differences.push(`"${escapeBytes(path)}" ${what}`);
  };
  const inodes = new Map<BytePath, bigint>();
  const walk = walkBelow(root);
  let found = walk.next();
  for await (const entry of expected) {
    if (isUnstored(entry)) continue;
    while (!found.done && comparePaths(found.value.path, entry.path) < 0) {
      note(found.value.path, 'should not be there');
      found = walk.next();
    }
    if (found.done || found.value.path !== entry.path) {
      note(entry.path, 'is missing');
      continue;
    }
    const difference = differenceFrom(root, entry, found.value, inodes);
    if (difference !== undefined) note(entry.path, `differs: ${difference}`);
    if (entry.linked) inodes.set(entry.path, found.value.stat.ino);
    found = walk.next();
  }
  for (; !found.done; found = walk.next()) note(found.value.path, 'should not be there');
  return differences;
}

/** What is below a tree's root, except for what the server itself puts there. */
export function* walkBelow(root: string): Generator<WalkedEntry, undefined> {
  for (const found of walkTree(root)) if (found.path !== '' && found.path !== noteName) yield found;
  return undefined;
}

function differenceFrom(
  root: string,
  entry: IndexEntry,
  { path, stat }: WalkedEntry,
  inodes: ReadonlyMap<BytePath, bigint>,
): string | undefined {
  if (entry.type !== 'hardlink') return differenceOnDisk(diskPath(root, path), entry, stat);
  const target = inodes.get(entry.link ?? '') ?? inodeOf(root, entry.link ?? '');
  return target === stat.ino ? undefined : 'no longer the same file as its hard link';
}

/** In what a file, folder or link on disk is not as its entry says, content and attributes aside. */
export function differenceOnDisk(file: Buffer, entry: IndexEntry, stat: BigIntStats): string | undefined {
  if (typeOnDisk(stat) !== entry.type) return 'type';
  if (Number(stat.uid) !== entry.uid || Number(stat.gid) !== entry.gid) return 'owner';
  if (stat.mtimeNs !== entry.mtimeNs) return 'mtime';
  if (entry.type === 'symlink') return readlinkSync(file, 'latin1') === entry.link ? undefined : 'link target';
  if (Number(stat.mode & 0o7777n) !== entry.mode) return 'mode';
  if (entry.type === 'file' && Number(stat.size) !== entry.size) return 'size';
  return undefined;
}

export function typeOnDisk(stat: BigIntStats): 'file' | 'folder' | 'symlink' | 'fifo' | 'other' {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  if (stat.isSymbolicLink()) return 'symlink';
  return stat.isFIFO() ? 'fifo' : 'other';
}

function inodeOf(root: string, path: BytePath): bigint | undefined {
  return lstatSync(diskPath(root, path), { bigint: true, throwIfNoEntry: false })?.ino;
}
