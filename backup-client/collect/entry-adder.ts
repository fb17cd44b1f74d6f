import { createHash } from 'node:crypto';
import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import type { BytePath } from '#common/archive/byte-path.ts';
import { type EntryStat, entryStat } from '#common/archive/entry-stat.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { largeFileBytes } from '#common/archive/member-boundaries.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import type { WalkedEntry } from '#common/archive/walk-tree.ts';
import { BackupError } from '#common/errors.ts';
import type { Runner } from '#common/process/runner.ts';
import { type DeviceOf, trustedIdentity } from './entry-state.ts';
import { HardLinks, hasSeveralNames } from './hard-links.ts';
import type { Source } from './source.ts';
import { TarRun } from './tar-run.ts';
import { unstoredEntry } from './unstored-entry.ts';

export interface AdderTools {
  readonly tar: string;
  readonly runner: Runner;
  warn(message: string): void;
  /** When the walk began. */
  readonly seenAtNs: bigint;
  readonly deviceOf: DeviceOf;
}

type LinkedFile = Pick<IndexEntry, 'path' | 'mode' | 'uid' | 'gid' | 'mtimeNs'>;
type Verdict = 'stable' | 'unstable' | 'again';

/**
 * Adds the entries of one source to an archive, in path order. Every file is looked at again after its bytes have passed:
 * what changed meanwhile is read once more. Each method tells whether the entry was still there.
 */
export class EntryAdder {
  readonly #linked = new HardLinks<LinkedFile>();

  constructor(
    private readonly source: Source,
    private readonly writer: ArchiveWriter,
    private readonly tools: AdderTools,
  ) {}

  /** What tar was told to read. */
  async read(walked: WalkedEntry, run: TarRun): Promise<boolean> {
    const tar = await run.take(walked.path);
    if (tar === undefined) {
      if (this.#statOf(walked.path)?.ino === walked.stat.ino) run.leaveOut(walked.path);
      return false;
    }
    const isStill = () => isUnchanged(walked.stat, this.#statOf(walked.path));
    return (await this.#add(walked, tar, run, () => (isStill() ? 'stable' : 'again'))) || this.readAlone(walked);
  }

  /** Another name of a file; by itself when the first one could not be read. */
  async link(walked: WalkedEntry): Promise<boolean> {
    const first = this.#linked.firstOf(walked.stat);
    const now = this.#statOf(walked.path);
    if (now === undefined) return false;
    if (first === undefined || now.ino !== walked.stat.ino) return this.readAlone(walked);
    const { path: link, mode, uid, gid, mtimeNs } = first;
    const content = { size: 0, storedSize: 0, attributes: [] };
    const entry = { path: this.source.placeOf(walked.path), type: 'hardlink', link, mode, uid, gid, mtimeNs } as const;
    await this.writer.add({ ...entry, ...content }, [], {}, this.#noteOf(walked.stat));
    this.#linked.add(walked.stat, first);
    return true;
  }

  /** What only the index can hold. */
  record({ path, stat }: WalkedEntry): void {
    this.writer.addUnstored(unstoredEntry(this.source.placeOf(path), stat), this.#noteOf(stat));
  }

  /** Whether the first names of all hard links are in the archive as these entries have it. */
  areLinked(entries: readonly IndexEntry[], walked: readonly WalkedEntry[]): boolean {
    const here = new Set<BytePath>();
    return entries.every((entry, index) => {
      if (entry.linked) here.add(entry.path);
      if (entry.type !== 'hardlink' || here.has(entry.link ?? '')) return true;
      const stat = walked[index]?.stat;
      return stat !== undefined && this.#linked.firstOf(stat)?.path === entry.link;
    });
  }

  /** These entries were copied. */
  noteCopied(entries: readonly IndexEntry[], walked: readonly WalkedEntry[]): void {
    for (const [index, { stat }] of walked.entries()) {
      const entry = entries[index];
      if (entry !== undefined) this.#linked.add(stat, entry);
    }
  }

  /** With a tar of its own. A file that keeps changing stays, marked and warned of; it must not shrink. */
  async readAlone({ path, stat: before }: WalkedEntry): Promise<boolean> {
    const stat = this.#statOf(path);
    if (stat === undefined) return false;
    if ((before.type === 'file') !== (stat.type === 'file')) throw this.#changedType(path);
    const run = new TarRun(this.source, this.tools);
    try {
      run.name(path);
      run.endNames();
      const tar = await run.take(path);
      if (tar !== undefined) await this.#add({ path, stat }, tar, run, () => this.#lastVerdict(path, stat, tar.size));
      await run.finish();
      return tar !== undefined;
    } finally {
      run.stop();
    }
  }

  #lastVerdict(path: BytePath, stat: EntryStat, readBytes: number): Verdict {
    const now = this.#statOf(path);
    if (now !== undefined && now.size < readBytes) throw this.#shrank(path);
    if (isUnchanged(stat, now)) return 'stable';
    this.tools.warn(
      `${this.source.describe(path)} kept changing while it was read; its copy may mix old and new content`,
    );
    return 'unstable';
  }

  /** The verdict is asked for after the last byte; `again` takes the entry back and gives false. */
  async #add({ path, stat }: WalkedEntry, tar: TarEntry, run: TarRun, verdictOf: () => Verdict): Promise<boolean> {
    if ((stat.type === 'folder') !== (tar.type === 'folder')) throw this.#changedType(path);
    const entry: TarEntry = { ...tar, path: this.source.placeOf(path) };
    if (tar.type !== 'file') {
      await this.writer.add(entry, [], {}, this.#noteOf(stat));
      return true;
    }
    const isAdded = await this.#addFile(entry, stat, run, verdictOf);
    if (isAdded) this.#linked.add(stat, entry);
    return isAdded;
  }

  async #addFile(entry: TarEntry, stat: EntryStat, { reader }: TarRun, verdictOf: () => Verdict): Promise<boolean> {
    const factsOf = (verdict: Verdict) => ({
      linked: hasSeveralNames(stat),
      unstable: verdict === 'unstable',
      note: verdict === 'stable' ? this.#noteOf(stat) : undefined,
    });
    if (entry.storedSize >= largeFileBytes) {
      const hash = createHash('sha256');
      return this.writer.addLarge(entry, hashed(reader.content(), hash), async () => {
        const verdict = verdictOf();
        return verdict === 'again' ? undefined : { ...factsOf(verdict), sha256: hash.digest('hex') };
      });
    }
    const content = await reader.readAll();
    const verdict = verdictOf();
    if (verdict === 'again') return false;
    const { note, ...facts } = factsOf(verdict);
    await this.writer.add(entry, content, facts, note);
    return true;
  }

  #noteOf(stat: EntryStat): string | undefined {
    return trustedIdentity(stat, this.tools.seenAtNs, this.tools.deviceOf);
  }

  #statOf(path: BytePath): EntryStat | undefined {
    return entryStat(this.source.diskPathOf(path));
  }

  #changedType(path: BytePath): BackupError {
    return new BackupError(`${this.source.describe(path)} became another type of file while it was read`, {
      hint: 'Stop what writes there during the backup, or exclude the path.',
    });
  }

  #shrank(path: BytePath): BackupError {
    const name = this.source.describe(path);
    return new BackupError(`${name} shrank while it was read, twice; the end of its copy would be zeros`, {
      hint: 'Stop what writes there during the backup, or exclude the path.',
    });
  }
}

async function* hashed(content: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const part of content) {
    hash.update(part);
    yield part;
  }
}

function isUnchanged(before: EntryStat, now: EntryStat | undefined): boolean {
  return (
    now !== undefined &&
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeNs === now.mtimeNs &&
    before.ctimeNs === now.ctimeNs
  );
}
