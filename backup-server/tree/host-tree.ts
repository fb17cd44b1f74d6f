import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveFacts } from '#common/archive/archive-facts.ts';
import { type ArchiveIndex, entriesByPath, openArchiveIndex } from '#common/archive/archive-index.ts';
import { isUnstored } from '#common/archive/checked-entries.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { renameDurably, syncFolder } from '#common/atomic-file.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { BackupError } from '#common/errors.ts';
import { freeSpace } from '#common/free-space.ts';
import type { Runner } from '#common/process/runner.ts';
import type { HostConfig } from '../config.ts';
import { applyChanges } from './apply-changes.ts';
import { noteName, writeNote } from './archive-note.ts';
import { hasUnseenChange } from './changed-unseen.ts';
import { compareTree } from './compare-tree.ts';
import { fetchChanges } from './fetch-changes.ts';
import { readStoredIndex, saveStoredIndex } from './stored-index.ts';
import { changesBetween, type TreeChanges } from './tree-changes.ts';
import { countTree, type TreeCounts } from './tree-counts.ts';
import { limitsFor } from './tree-limits.ts';
import { checkIndex, syncFileSystem, unpackArchive } from './unpack-archive.ts';

export interface HostTreeTools {
  readonly tar: string;
  readonly runner: Runner;
  /** Holds a folder for each host; root's alone. */
  readonly workDir: string;
  warn(message: string): void;
}

/** An unpacked archive, proven to be what its index says. */
export interface ReadyTree {
  /** restic's path, the same in every run. */
  readonly folder: string;
  readonly counts: TreeCounts;
  /** Undefined for archives of other programs. */
  readonly facts: ArchiveFacts | undefined;
  /** `tree: discard` only: some file has new content under its old size and mtime. */
  readonly hasUnseenChange: boolean;
  /** Bytes fetched, in words. */
  readonly fetched: string;
}

/**
 * One host's folder on this server. `tree` holds an unpacked archive. `tree-index.gz` is there just when `tree` is whole,
 * and is its index; it goes before the tree is touched and comes when it has been compared and synced. With
 * `tree: discard` there is `stored-index.gz` instead: the index of what restic stored last.
 */
export class HostTree {
  readonly #home: string;
  readonly #tree: string;

  constructor(
    private readonly host: HostConfig,
    private readonly tools: HostTreeTools,
  ) {
    this.#home = join(tools.workDir, host.name);
    this.#tree = join(this.#home, 'tree');
  }

  /** Makes the tree that of the archive: by its changes where there is a whole tree, else by fetching it whole. */
  async bringUpToDate(source: RangeSource, archiveName: string): Promise<ReadyTree> {
    await mkdir(this.#home, { recursive: true, mode: 0o700 });
    await this.#removeLeftOvers();
    const index = this.host.tree === 'keep' ? await openArchiveIndex(source) : undefined;
    const changes = index === undefined ? undefined : await this.#changesTo(index);
    if (index === undefined || changes === undefined) return this.#replace(source, archiveName);
    const spool = this.#path('changes.tar');
    try {
      const fetched = await fetchInto(spool, index, changes);
      await this.#change(index, changes, spool);
      return await this.#finish(archiveName, index.facts, () => entriesByPath(index), formatByteSize(fetched));
    } catch (error) {
      if (!(error instanceof TreeIsSpoiled)) throw error;
      this.tools.warn(`the tree is not what its index says (${error.message}); it is fetched afresh`);
      return await this.#replace(source, archiveName);
    } finally {
      await rm(spool, { force: true });
    }
  }

  /** After restic has it; for `tree: discard`, where the next run has nothing else to compare with. */
  async remember(): Promise<void> {
    if (this.host.tree === 'discard')
      await renameDurably(this.#path('stored-index.gz.next'), this.#path('stored-index.gz'));
  }

  /** Removes the clear text. */
  async discard(): Promise<void> {
    await rm(this.#tree, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#home, name);
  }

  async #removeLeftOvers(): Promise<void> {
    for (const name of ['tree.new', 'tree.old', 'changes.tar', 'stored-index.gz.next', 'tree-index.gz.next']) {
      if (!(await isThere(this.#path(name)))) continue;
      await rm(this.#path(name), { recursive: true, force: true });
      if (name !== 'tree.old') this.tools.warn(`removed ${this.#path(name)}, which an interrupted run had left`);
    }
    if ((await isThere(this.#tree)) && !(await isThere(this.#path('tree-index.gz'))) && this.host.tree === 'keep') {
      this.tools.warn(`${this.#tree} is not whole: a run was interrupted while it changed it; it is fetched afresh`);
    }
  }

  /** Undefined when there is no whole tree to start from, or it cannot be changed in place. */
  async #changesTo(index: ArchiveIndex): Promise<TreeChanges | undefined> {
    const { maxEntries } = this.host;
    await checkIndex(index, this.host.name, { maxEntries, maxBytes: Number.MAX_SAFE_INTEGER });
    const before = await readStoredIndex(this.#path('tree-index.gz'));
    if (before === undefined || !(await isThere(this.#tree))) return undefined;
    const changes = await changesBetween(before, entriesByPath(index));
    return changes.obstacle === undefined ? changes : undefined;
  }

  /** From here on the tree is of neither index until it has been compared with the new one. */
  async #change(index: ArchiveIndex, changes: TreeChanges, spool: string): Promise<void> {
    await rm(this.#path('tree-index.gz'), { force: true });
    await rm(join(this.#tree, noteName), { force: true });
    await syncFolder(this.#home);
    try {
      await applyChanges(this.#tree, changes, spool, this.tools);
    } catch (error) {
      throw new TreeIsSpoiled(error instanceof Error ? error.message : String(error));
    }
    const [difference] = await compareTree(this.#tree, entriesByPath(index));
    if (difference !== undefined) throw new TreeIsSpoiled(difference);
    await syncFileSystem(this.#tree, this.tools.runner);
  }

  /** Unpacks beside the old tree; the new one takes its place only when it is whole. */
  async #replace(source: RangeSource, archiveName: string): Promise<ReadyTree> {
    const fresh = this.#path('tree.new');
    const limits = limitsFor(await freeSpace(this.#home), this.host.maxEntries);
    try {
      const { index, entries } = await unpackArchive(source, fresh, { ...this.tools, host: this.host.name, limits });
      await rm(this.#path('tree-index.gz'), { force: true });
      await this.#swap(fresh);
      return await this.#finish(archiveName, index?.facts, entries, formatByteSize(source.size));
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
  }

  async #swap(fresh: string): Promise<void> {
    const old = this.#path('tree.old');
    if (await isThere(this.#tree)) await rename(this.#tree, old);
    await rename(fresh, this.#tree);
    await syncFolder(this.#home);
    await rm(old, { recursive: true, force: true });
  }

  /** The tree is whole: says so beside it, and what the archive said beyond its files in it. */
  async #finish(
    archive: string,
    facts: ArchiveFacts | undefined,
    entries: () => AsyncIterable<IndexEntry>,
    fetched: string,
  ): Promise<ReadyTree> {
    const { createdAt = '', services = [] } = facts ?? {};
    await writeNote(this.#tree, {
      host: this.host.name,
      archive,
      createdAt,
      services,
      unstored: await unstoredIn(entries()),
    });
    const { size } = await lstat(join(this.#tree, noteName));
    const counts = await countTree(entries());
    const isKept = this.host.tree === 'keep';
    const isUnseen = !isKept && (await this.#hasUnseenChange(entries()));
    const next = this.#path(isKept ? 'tree-index.gz.next' : 'stored-index.gz.next');
    await saveStoredIndex(next, entries());
    if (isKept) await renameDurably(next, this.#path('tree-index.gz'));
    const withNote = { files: counts.files + 1, bytes: counts.bytes + size };
    return { folder: this.#tree, counts: withNote, facts, hasUnseenChange: isUnseen, fetched };
  }

  async #hasUnseenChange(entries: AsyncIterable<IndexEntry>): Promise<boolean> {
    const before = await readStoredIndex(this.#path('stored-index.gz'));
    return before !== undefined && hasUnseenChange(before, entries);
  }
}

/** The tree has become unusable, and must be fetched whole. */
class TreeIsSpoiled extends BackupError {}

async function fetchInto(spool: string, index: ArchiveIndex, changes: TreeChanges): Promise<number> {
  const file = await open(spool, 'wx+', 0o600);
  try {
    return await fetchChanges(index, changes.changed, file);
  } finally {
    await file.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function unstoredIn(entries: AsyncIterable<IndexEntry>): Promise<readonly IndexEntry[]> {
  const unstored: IndexEntry[] = [];
  for await (const entry of entries) if (isUnstored(entry)) unstored.push(entry);
  return unstored;
}
