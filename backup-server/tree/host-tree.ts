import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveFacts } from '#common/archive/archive-facts.ts';
import { type ArchiveIndex, openArchiveIndex } from '#common/archive/archive-index.ts';
import type { ArchiveWork } from '#common/archive/archive-work.ts';
import type { CheckedSource } from '#common/archive/file-range-source.ts';
import { renameDurably, syncFolder } from '#common/atomic-file.ts';
import { BackupError, kindOf } from '#common/errors.ts';
import { freeSpace } from '#common/free-space.ts';
import type { HostConfig } from '../config.ts';
import { notedService, writeNote } from './archive-note.ts';
import { changeTree } from './change-tree.ts';
import { hasUnseenChange } from './changed-unseen.ts';
import { copyIndex, openIndexFile, writeIndexFile } from './index-file.ts';
import { IndexSurvey, surveyWhole } from './index-survey.ts';
import { salvagedState } from './salvage.ts';
import { SpoiledTree } from './spoiled-tree.ts';
import type { TarTools } from './tar-tools.ts';
import { stateOf, type TreeState } from './tree-changes.ts';
import { countTree, type TreeCounts } from './tree-counts.ts';
import { limitsFor, type TreeLimits } from './tree-limits.ts';
import { unpackArchive, unpackForeign } from './unpack-archive.ts';

export interface HostTreeTools extends TarTools {
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
  /** Entries that an interrupted run had fetched. */
  readonly resumed: number;
}

/** What became known of an archive while it was unpacked. */
interface Unpacked extends Pick<IndexSurvey, 'unstored'> {
  readonly counts: TreeCounts;
  readonly resumed: number;
}

/**
 * One host's folder on this server. `tree` holds an unpacked archive. `tree-index.gz` is there just when `tree` is whole,
 * and is its index; it goes before the tree is touched and comes when the tree has been compared and synced. With
 * `tree: discard` there is `stored-index.gz` instead: the index of what restic stored last. `tree.new` is a tree being
 * fetched whole, `changes` holds changed entries, and what they replaced; what an interrupted run left of `tree.new` and
 * `changes` is used as far as it is proven.
 */
export class HostTree {
  readonly #home: string;
  readonly #tree: string;
  /** Whether the tree stays when it has been stored. */
  readonly #stays: boolean;

  constructor(
    private readonly host: Pick<HostConfig, 'name' | 'tree' | 'maxEntries'>,
    private readonly tools: HostTreeTools,
  ) {
    this.#home = join(tools.workDir, host.name);
    this.#tree = this.#path('tree');
    this.#stays = host.tree === 'keep';
  }

  /**
   * Makes the tree that of the archive: by its changes where there is one to start from, else by fetching it whole, for
   * which there is `work`.
   */
  async bringUpToDate(source: CheckedSource, work: ArchiveWork): Promise<ReadyTree> {
    await mkdir(this.#home, { recursive: true, mode: 0o700 });
    await this.#removeLeftOvers();
    const known = await openIndexFile(this.#marker);
    try {
      return await this.#take(source, known, work);
    } catch (error) {
      await this.#remove('index.next', ...(isInterruption(error) ? [] : ['tree.new', 'changes']));
      // an archive that was written to meanwhile may look like any damage
      if (error instanceof BackupError && !isInterruption(error)) await source.verifyUnchanged();
      throw error;
    } finally {
      await known?.source.close();
    }
  }

  /**
   * Removes what the tree no longer needs and syncs it; it is known to be whole from then on. To be called also when it could
   * not be stored.
   */
  async keep(): Promise<void> {
    if (!this.#stays) return;
    await this.#remove('changes');
    await this.#sync();
    await renameDurably(this.#path('index.next'), this.#marker);
  }

  /** Removes the clear text. What has been stored is what the next run compares with. */
  async discard(isStored: boolean): Promise<void> {
    if (this.#stays) return;
    if (isStored) await renameDurably(this.#path('index.next'), this.#marker);
    await this.#remove('tree', 'changes');
  }

  async #take(source: CheckedSource, known: ArchiveIndex | undefined, work: ArchiveWork): Promise<ReadyTree> {
    const remote = await openArchiveIndex(source);
    if (remote === undefined) return this.#finish(undefined, await this.#unpackForeign(source), known);
    const index = await copyIndex(remote, known, this.#path('index.next'));
    try {
      const unpacked = (await this.#change(index, known, source)) ?? (await this.#unpack(index, work));
      return await this.#finish(index.facts, unpacked, known);
    } finally {
      await index.blockSource.close();
    }
  }

  /** Changes what is there; undefined when there is nothing to start from. */
  async #change(
    index: ArchiveIndex,
    known: ArchiveIndex | undefined,
    source: CheckedSource,
  ): Promise<Unpacked | undefined> {
    if (this.#stays && known !== undefined && (await isThere(this.#tree))) {
      const changed = await this.#tryChange(index, stateOf(this.#tree, known, index), source, 'mended');
      if (changed !== undefined) return changed;
    }
    const fresh = this.#path('tree.new');
    if (await isThere(fresh)) {
      const changed = await this.#tryChange(index, salvagedState(fresh, index), source, 'fetched afresh');
      if (changed !== undefined) await this.#swap();
      else await this.#remove('tree.new');
      return changed;
    }
    if (!this.#stays || !(await isThere(this.#tree))) return undefined;
    return this.#tryChange(index, salvagedState(this.#tree, index), source, 'fetched afresh');
  }

  async #tryChange(
    index: ArchiveIndex,
    state: TreeState,
    source: CheckedSource,
    remedy: string,
  ): Promise<Unpacked | undefined> {
    const limits = await this.#limits();
    const survey = new IndexSurvey(index, this.host.name, { ...limits, maxBytes: Number.MAX_SAFE_INTEGER });
    const beforeTouch = () => this.#unmark();
    try {
      const changes = { ...this.tools, staging: this.#path('changes'), survey, limits, source, beforeTouch };
      const resumed = await changeTree(index, state, changes);
      return { ...survey, resumed };
    } catch (error) {
      if (!(error instanceof SpoiledTree)) throw error;
      this.tools.warn(`the tree is not what its index says (${error.message}); it is ${remedy}`);
      return undefined;
    }
  }

  /** Unpacks beside the old tree; the new one takes its place only when it is whole. */
  async #unpack(index: ArchiveIndex, work: ArchiveWork): Promise<Unpacked> {
    const limits = await this.#limits();
    const survey = await surveyWhole(index, this.host.name, limits);
    await unpackArchive(index, this.#path('tree.new'), { ...this.tools, limits, work });
    await this.#swap();
    return { ...survey, resumed: 0 };
  }

  async #unpackForeign(source: CheckedSource): Promise<Unpacked> {
    const tools = { ...this.tools, limits: await this.#limits() };
    await this.#remove('tree.new');
    const entries = await unpackForeign(source, this.#path('tree.new'), tools);
    await this.#swap();
    await writeIndexFile(this.#path('index.next'), this.host.name, entries);
    return { counts: countTree(entries), unstored: [], resumed: 0 };
  }

  async #swap(): Promise<void> {
    await this.#unmark();
    if (await isThere(this.#tree)) await rename(this.#tree, this.#path('tree.old'));
    await rename(this.#path('tree.new'), this.#tree);
    await syncFolder(this.#home);
    await this.#remove('tree.old');
  }

  /** From here on the tree is of neither index. */
  async #unmark(): Promise<void> {
    if (!this.#stays || !(await isThere(this.#marker))) return;
    await rm(this.#marker);
    await syncFolder(this.#home);
  }

  /** The tree is whole: puts what the archive said beyond its files into it. */
  async #finish(
    facts: ArchiveFacts | undefined,
    { counts, unstored, resumed }: Unpacked,
    known: ArchiveIndex | undefined,
  ): Promise<ReadyTree> {
    const services = facts?.services.map(notedService) ?? [];
    const noteBytes = await writeNote(this.#tree, { host: this.host.name, services, unstored });
    const withNote = { files: counts.files + 1, bytes: counts.bytes + noteBytes };
    const isUnseen = !this.#stays && known !== undefined && (await this.#hasUnseenChange(known));
    return { folder: this.#tree, counts: withNote, facts, hasUnseenChange: isUnseen, resumed };
  }

  async #hasUnseenChange(known: ArchiveIndex): Promise<boolean> {
    const next = await openIndexFile(this.#path('index.next'));
    try {
      return next === undefined || (await hasUnseenChange(known, next));
    } finally {
      await next?.source.close();
    }
  }

  async #removeLeftOvers(): Promise<void> {
    await this.#remove('tree.old', 'index.next', 'index.next.blocks');
    const [isTree, isMarked] = [await isThere(this.#tree), await isThere(this.#marker)];
    if (this.#stays && isTree && isMarked) await this.#remove('tree.new');
    if (this.#stays && isTree && !isMarked)
      this.tools.warn(`${this.#tree} is not whole: a run was interrupted while it changed it; it is mended`);
  }

  async #sync(): Promise<void> {
    const { exitCode, stderr } = await this.tools.runner.run({
      file: 'sync',
      args: ['--file-system', '--', this.#tree],
    });
    if (exitCode !== 0) throw new BackupError(`${this.#tree} cannot be written to disk: ${stderr.trim()}`);
  }

  async #limits(): Promise<TreeLimits> {
    return limitsFor(await freeSpace(this.#home), this.host.maxEntries);
  }

  /** What is there, by the program: Node's own takes several times as long for a large tree. */
  async #remove(...names: readonly string[]): Promise<void> {
    const paths: string[] = [];
    for (const name of names) if (await isThere(this.#path(name))) paths.push(this.#path(name));
    if (paths.length === 0) return;
    const { exitCode, stderr } = await this.tools.runner.run({ file: 'rm', args: ['-rf', '--', ...paths] });
    if (exitCode !== 0) throw new BackupError(`cannot remove ${paths.join(', ')}: ${stderr.trim()}`);
  }

  get #marker(): string {
    return this.#path(this.#stays ? 'tree-index.gz' : 'stored-index.gz');
  }

  #path(name: string): string {
    return join(this.#home, name);
  }
}

/** What was fetched so far is good, and the next run goes on with it. */
function isInterruption(error: unknown): boolean {
  return ['aborted', 'connection-lost', 'unreachable'].includes(kindOf(error) ?? '');
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
