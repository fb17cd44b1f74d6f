import { mkdir } from 'node:fs/promises';
import { type ArchiveIndex, entriesByPath, itemsByPath, openArchiveIndex } from '#common/archive/archive-index.ts';
import { comparePaths } from '#common/archive/byte-path.ts';
import { type ArchiveEntry, checkedEntries } from '#common/archive/checked-entries.ts';
import { sortedEntryRules } from '#common/archive/entry-rules.ts';
import { Extractor } from '#common/archive/extractor.ts';
import { damaged } from '#common/archive/gzip-member.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { BackupError } from '#common/errors.ts';
import type { Runner } from '#common/process/runner.ts';
import { compareTree } from './compare-tree.ts';
import { foreignEntries, hashedContent } from './foreign-entries.ts';
import { checkLimits, type TreeLimits } from './tree-limits.ts';

export interface UnpackTools {
  /** Whose archive it must be. */
  readonly host: string;
  readonly tar: string;
  readonly runner: Runner;
  readonly limits: TreeLimits;
}

export interface Unpacked {
  /** Undefined for an archive that was not made by this program. */
  readonly index: ArchiveIndex | undefined;
  /** Every entry in path order; of a foreign archive the list that was read from it. */
  readonly entries: () => AsyncIterable<IndexEntry>;
}

/**
 * Streams a whole archive into a new folder. Everything is checked before it is written, and the tree that came of it
 * is compared with the index afterwards: when this returns, the folder holds just what the archive says. After a
 * failure the folder is to be removed.
 */
export async function unpackArchive(source: RangeSource, folder: string, tools: UnpackTools): Promise<Unpacked> {
  const index = await openArchiveIndex(source);
  if (index !== undefined) await checkIndex(index, tools.host, tools.limits);
  await mkdir(folder, { mode: 0o700 });
  const listed: IndexEntry[] = [];
  if (index !== undefined) await extract(checkedEntries(index), folder, tools);
  else await extract(listing(foreignEntries(source), listed), folder, tools);
  const entries = index === undefined ? () => inOrder(listed) : () => entriesByPath(index);
  const [difference] = await compareTree(folder, entries());
  if (difference !== undefined) throw damaged(source.name, `was not unpacked as it says: ${difference}`);
  await syncFileSystem(folder, tools.runner);
  return { index, entries };
}

/** The name of the host comes from our configuration; an archive that calls itself otherwise is somebody else's. */
function checkHost({ facts, source }: ArchiveIndex, host: string): void {
  if (facts.host === host) return;
  throw new BackupError(`${source.name} calls its host "${facts.host}", not "${host}"`, {
    kind: 'hostile-archive',
    hint: 'Two clients may use one folder. Compare "hostname" in client_config.yml with that in server_config.yml.',
  });
}

/** Whose it is, and the rules and limits over the whole index, before anything is fetched or written. */
export async function checkIndex(index: ArchiveIndex, host: string, limits: TreeLimits): Promise<void> {
  checkHost(index, host);
  const rules = sortedEntryRules();
  let entries = 0;
  let bytes = 0;
  for await (const item of itemsByPath(index)) {
    for (const entry of item.entries) rules.check(entry);
    entries += item.entries.length;
    for (const member of [item.member, ...item.chunks]) bytes += member?.length ?? 0;
    checkLimits(limits, entries, bytes);
  }
}

async function extract(entries: AsyncIterable<ArchiveEntry>, folder: string, tools: UnpackTools): Promise<void> {
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
  } finally {
    extractor.close();
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
async function* inOrder(list: readonly IndexEntry[]): AsyncGenerator<IndexEntry> {
  yield* [...new Map(list.map((entry) => [entry.path, entry])).values()].sort((a, b) => comparePaths(a.path, b.path));
}

export async function syncFileSystem(folder: string, runner: Runner): Promise<void> {
  const { exitCode, stderr } = await runner.run({ file: 'sync', args: ['--file-system', '--', folder] });
  if (exitCode !== 0) throw new BackupError(`${folder} cannot be written to disk: ${stderr.trim()}`);
}
