import { readlinkSync } from 'node:fs';
import { type ArchiveIndex, readBlocks } from '#common/archive/archive-index.ts';
import { type BytePath, comparePaths, escapeBytes } from '#common/archive/byte-path.ts';
import { type EntryStat, entryStat } from '#common/archive/entry-stat.ts';
import { type IndexEntry, isUnstored } from '#common/archive/index-entry.ts';
import { type WalkedEntry, walkTree } from '#common/archive/walk-tree.ts';
import { noteName } from './archive-note.ts';
import { diskPath } from './disk-path.ts';

/** What is not as the index says, in words for people; at most this many are listed. */
const maxDifferences = 20;

/**
 * Compares a whole tree with the entries of an index, both in path order: names, types, modes, owners, times, sizes,
 * link targets and which names are one file. Contents are not read.
 */
export function compareTree(root: string, expected: Iterable<IndexEntry>): readonly string[] {
  const comparison = new TreeComparison(root);
  for (const entry of expected) comparison.look(entry);
  return comparison.finish();
}

/** The same with the blocks of an index: to wait for each entry would take longer than to compare it. */
export async function compareTreeWithIndex(root: string, index: ArchiveIndex): Promise<readonly string[]> {
  const comparison = new TreeComparison(root);
  for await (const { items } of readBlocks(index)) {
    for (const { entries } of items) for (const entry of entries) comparison.look(entry);
  }
  return comparison.finish();
}

class TreeComparison {
  readonly #differences: string[] = [];
  readonly #inodes = new Map<BytePath, bigint>();
  readonly #walk: Generator<WalkedEntry, undefined>;
  #found: IteratorResult<WalkedEntry, undefined>;

  constructor(private readonly root: string) {
    this.#walk = walkBelow(root);
    this.#found = this.#walk.next();
  }

  /** The next entry in path order. */
  look(entry: IndexEntry): void {
    if (isUnstored(entry)) return;
    while (!this.#found.done && comparePaths(this.#found.value.path, entry.path) < 0)
      this.#noteSurplus(this.#found.value);
    if (this.#found.done || this.#found.value.path !== entry.path) {
      this.#note(entry.path, 'is missing');
      return;
    }
    const difference = differenceFrom(this.root, entry, this.#found.value, this.#inodes);
    if (difference !== undefined) this.#note(entry.path, `differs: ${difference}`);
    if (entry.linked) this.#inodes.set(entry.path, this.#found.value.stat.ino);
    this.#found = this.#walk.next();
  }

  /** What is not as expected. */
  finish(): readonly string[] {
    while (!this.#found.done) this.#noteSurplus(this.#found.value);
    return this.#differences;
  }

  #noteSurplus({ path }: WalkedEntry): void {
    this.#note(path, 'should not be there');
    this.#found = this.#walk.next();
  }

  #note(path: BytePath, what: string): void {
    if (this.#differences.length < maxDifferences) this.#differences.push(`"${escapeBytes(path)}" ${what}`);
  }
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
export function differenceOnDisk(file: Buffer, entry: IndexEntry, stat: EntryStat): string | undefined {
  if (stat.type !== entry.type) return 'type';
  if (stat.uid !== entry.uid || stat.gid !== entry.gid) return 'owner';
  if (stat.mtimeNs !== entry.mtimeNs) return 'mtime';
  if (entry.type === 'symlink') return readlinkSync(file, 'latin1') === entry.link ? undefined : 'link target';
  if (stat.mode !== entry.mode) return 'mode';
  if (entry.type === 'file' && stat.size !== entry.size) return 'size';
  return undefined;
}

function inodeOf(root: string, path: BytePath): bigint | undefined {
  return entryStat(diskPath(root, path))?.ino;
}
