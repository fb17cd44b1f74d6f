import { mkdir } from 'node:fs/promises';
import type { ArchiveIndex } from '#common/archive/archive-index.ts';
import type { ArchiveWork } from '#common/archive/archive-work.ts';
import { comparePaths } from '#common/archive/byte-path.ts';
import type { ArchiveEntry } from '#common/archive/checked-entries.ts';
import { checkedPieces } from '#common/archive/checked-pieces.ts';
import { Extractor } from '#common/archive/extractor.ts';
import { damaged } from '#common/archive/gzip-member.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { compareTree, compareTreeWithIndex } from './compare-tree.ts';
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
export async function unpackArchive(
  index: ArchiveIndex,
  folder: string,
  tools: UnpackTools & { readonly work: ArchiveWork },
): Promise<void> {
  await extract(folder, tools, async (extractor, count) => {
    for await (const { entries, bytes } of checkedPieces(index, tools.work)) {
      count(entries.length, bytes.length);
      await extractor.write(bytes);
      tools.work.recycle(bytes);
    }
  });
  requireNone(await compareTreeWithIndex(folder, index), index.source.name);
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
  await extract(folder, tools, async (extractor, count) => {
    for await (const { tar, content } of listing(foreignEntries(source), listed)) {
      if (tar === undefined) continue;
      count(1, tar.storedSize);
      await extractor.add(tar, content());
    }
  });
  const entries = inOrder(listed);
  requireNone(compareTree(folder, entries), source.name);
  return entries;
}

function requireNone([difference]: readonly string[], name: string): void {
  if (difference !== undefined) throw damaged(name, `was not unpacked as it says: ${difference}`);
}

/** Told of entries and bytes before they are written; a BackupError when these are too many. */
type Count = (entries: number, bytes: number) => void;

async function extract(
  folder: string,
  tools: UnpackTools,
  write: (extractor: Extractor, count: Count) => Promise<void>,
): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  const extractor = new Extractor(folder, tools);
  try {
    let [entries, bytes] = [0, 0];
    await write(extractor, (moreEntries, moreBytes) => {
      entries += moreEntries;
      bytes += moreBytes;
      checkLimits(tools.limits, entries, bytes);
    });
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
