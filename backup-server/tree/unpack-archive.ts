import { mkdir } from 'node:fs/promises';
import { type ArchiveIndex, entriesByPath } from '#common/archive/archive-index.ts';
import { comparePaths } from '#common/archive/byte-path.ts';
import { type ArchiveEntry, checkedEntries } from '#common/archive/checked-entries.ts';
import { Extractor } from '#common/archive/extractor.ts';
import { damaged } from '#common/archive/gzip-member.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { compareTree } from './compare-tree.ts';
import { foreignEntries, hashedContent } from './foreign-entries.ts';
import type { TarTools } from './tar-tools.ts';
import { checkLimits, type TreeLimits } from './tree-limits.ts';

export interface UnpackTools extends TarTools {
  readonly limits: TreeLimits;
}

/**
 * Streams a whole archive of ours, whose index was checked before, into a new folder. Every content is checked on its way, and
 * the tree that came of it is compared with the index: when this returns, the folder holds just what the archive says.
 */
export async function unpackArchive(index: ArchiveIndex, folder: string, tools: UnpackTools): Promise<void> {
  await extract(checkedEntries(index), folder, tools);
  await requireEqual(folder, entriesByPath(index), index.source.name);
}

/**
 * The same with an archive of another program, in which every entry is checked before it is written. Gives all entries in
 * path order.
 */
export async function unpackForeign(
  source: RangeSource,
  folder: string,
  tools: UnpackTools,
): Promise<readonly IndexEntry[]> {
  const listed: IndexEntry[] = [];
  await extract(listing(foreignEntries(source), listed), folder, tools);
  const entries = inOrder(listed);
  await requireEqual(folder, oneByOne(entries), source.name);
  return entries;
}

async function requireEqual(folder: string, entries: AsyncIterable<IndexEntry>, name: string): Promise<void> {
  const [difference] = await compareTree(folder, entries);
  if (difference !== undefined) throw damaged(name, `was not unpacked as it says: ${difference}`);
}

async function extract(entries: AsyncIterable<ArchiveEntry>, folder: string, tools: UnpackTools): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  const extractor = new Extractor(folder, tools);
  try {
    let count = 0;
    let bytes = 0;
    for await (const { tar, content } of entries) {
      if (tar === undefined) continue;
      count += 1;
      bytes += tar.storedSize;
      checkLimits(tools.limits, count, bytes);
      await extractor.add(tar, content());
    }
    await extractor.finish();
  } catch (error) {
    await extractor.breakOff(); // what it has written is there for the next run
    throw error;
  }
}

/** Passes entries on and keeps the list of them, with the hashes of their contents. */
async function* listing(entries: AsyncIterable<ArchiveEntry>, list: IndexEntry[]): AsyncGenerator<ArchiveEntry> {
  for await (const { entry, tar, content } of entries) {
    const place = list.push(entry) - 1;
    const keepHash = (sha256: string): void => {
      list[place] = { ...entry, sha256 };
    };
    yield { entry, tar, content: () => hashedContent(content(), keepHash) };
  }
}

/** Of folders that came twice the last one counts, as it does for tar. */
function inOrder(list: readonly IndexEntry[]): readonly IndexEntry[] {
  return [...new Map(list.map((entry) => [entry.path, entry])).values()].sort((a, b) => comparePaths(a.path, b.path));
}

async function* oneByOne<T>(list: Iterable<T>): AsyncGenerator<T> {
  yield* list;
}
