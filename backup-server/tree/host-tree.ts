import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveFacts } from '#common/archive/archive-facts.ts';
import { isUnstored } from '#common/archive/checked-entries.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { renameDurably, syncFolder } from '#common/atomic-file.ts';
import { freeSpace } from '#common/free-space.ts';
import type { Runner } from '#common/process/runner.ts';
import type { HostConfig } from '../config.ts';
import { noteName, writeNote } from './archive-note.ts';
import { hasUnseenChange } from './changed-unseen.ts';
import { readStoredIndex, saveStoredIndex } from './stored-index.ts';
import { countTree, type TreeCounts } from './tree-counts.ts';
import { limitsFor } from './tree-limits.ts';
import { unpackArchive } from './unpack-archive.ts';

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
  /** Some file has new content under its old size and mtime. */
  readonly hasUnseenChange: boolean;
}

/** One host's folder on this server: the tree, and the index of what was stored last. */
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

  /** Unpacks beside the old tree; the new one takes its place only when it is whole. */
  async replace(source: RangeSource, archiveName: string): Promise<ReadyTree> {
    await mkdir(this.#home, { recursive: true, mode: 0o700 });
    await this.#removeLeftOvers();
    const fresh = join(this.#home, 'tree.new');
    const limits = limitsFor(await freeSpace(this.#home), this.host.maxEntries);
    try {
      const { index, entries } = await unpackArchive(source, fresh, { ...this.tools, host: this.host.name, limits });
      const note = await this.#noteOf(archiveName, index?.facts, entries());
      await writeNote(fresh, note);
      const counts = await countTree(entries());
      const isUnseen = await this.#hasUnseenChange(entries());
      await saveStoredIndex(this.#nextIndexPath, entries());
      await this.#swap(fresh);
      const { size } = await lstat(join(this.#tree, noteName));
      const withNote = { files: counts.files + 1, bytes: counts.bytes + size };
      return { folder: this.#tree, counts: withNote, facts: index?.facts, hasUnseenChange: isUnseen };
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
  }

  /** After restic has it: what was stored is remembered, for the next run to compare with. */
  async remember(): Promise<void> {
    await renameDurably(this.#nextIndexPath, this.#indexPath);
  }

  /** Removes the clear text; for `tree: discard`. */
  async discard(): Promise<void> {
    await rm(this.#tree, { recursive: true, force: true });
  }

  get #indexPath(): string {
    return join(this.#home, 'stored-index.gz');
  }

  get #nextIndexPath(): string {
    return `${this.#indexPath}.next`;
  }

  async #removeLeftOvers(): Promise<void> {
    for (const name of ['tree.new', 'tree.old']) {
      const path = join(this.#home, name);
      const isThere = (await lstat(path).catch(() => undefined)) !== undefined;
      if (!isThere) continue;
      await rm(path, { recursive: true, force: true });
      this.tools.warn(`removed ${path}, which an interrupted run had left; the archive is fetched whole`);
    }
  }

  async #swap(fresh: string): Promise<void> {
    const old = join(this.#home, 'tree.old');
    const hasOld = (await lstat(this.#tree).catch(() => undefined)) !== undefined;
    if (hasOld) await rename(this.#tree, old);
    await rename(fresh, this.#tree);
    await syncFolder(this.#home);
    await rm(old, { recursive: true, force: true });
  }

  async #hasUnseenChange(entries: AsyncIterable<IndexEntry>): Promise<boolean> {
    const before = await readStoredIndex(this.#indexPath);
    return before !== undefined && hasUnseenChange(before, entries);
  }

  async #noteOf(archive: string, facts: ArchiveFacts | undefined, entries: AsyncIterable<IndexEntry>) {
    const unstored: IndexEntry[] = [];
    for await (const entry of entries) if (isUnstored(entry)) unstored.push(entry);
    const { createdAt = '', services = [] } = facts ?? {};
    return { host: this.host.name, archive, createdAt, services, unstored };
  }
}
