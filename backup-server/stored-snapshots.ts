import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '#common/atomic-file.ts';
import type { Stages } from '#common/run/stages.ts';
import type { Restic } from './restic/restic.ts';
import { formatSnapshots, parseSnapshots, type Snapshot } from './restic/restic-output.ts';
import type { UnprovenSnapshot } from './unproven-snapshot.ts';

export interface StoredSnapshotsParts {
  readonly restic: Restic;
  readonly unproven: UnprovenSnapshot;
  readonly stages: Stages;
  readonly stateDir: string;
  readonly host: string;
}

/**
 * What is stored of a host already. Asking the repository takes restic half a second, most of it to derive its key, so
 * the last answer is kept in `<stateDir>/hosts/<host>.stored`. A snapshot's file is named by the hash of its content:
 * where a repository in a folder holds just those names, the answer is still the same.
 */
export class StoredSnapshots {
  /** Snapshots that an earlier run has made and not proven. They do not count. */
  doubtful: readonly Snapshot[] = [];
  #asked: Promise<readonly Snapshot[]> | undefined;
  /** The last answer. */
  #found: readonly Snapshot[] = [];

  constructor(private readonly parts: StoredSnapshotsParts) {}

  /** Good enough to go ahead: the repository itself is asked where nothing is remembered. */
  async remembered(): Promise<readonly Snapshot[]> {
    if (this.#asked !== undefined || (await this.parts.unproven.tag()) !== undefined) return this.certain();
    const recalled = await this.#recall();
    if (recalled === undefined) return this.certain();
    this.#found = recalled;
    return recalled;
  }

  /** What the repository says now; nothing is left out of a run for less than that. */
  certain(): Promise<readonly Snapshot[]> {
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  /** A proven snapshot more. What cannot be remembered is asked for next time. */
  async add(id: string, snapshot: Pick<Snapshot, 'time' | 'hostname' | 'tags' | 'paths'>): Promise<void> {
    const name = (await this.#names())?.find((found) => found.startsWith(id));
    if (name === undefined) return;
    const all = [...this.#found, { ...snapshot, id: name, shortId: name.slice(0, 8) }];
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await writeFileAtomically(this.#path, formatSnapshots(all));
  }

  async #ask(): Promise<readonly Snapshot[]> {
    const { restic, unproven, stages } = this.parts;
    const found = await stages.run('look into repository', () => restic.snapshots());
    const tag = await unproven.tag();
    const isDoubtful = ({ tags }: Snapshot): boolean => tag !== undefined && tags.includes(tag);
    this.doubtful = found.filter(isDoubtful);
    for (const { shortId } of this.doubtful)
      stages.warn(`snapshot ${shortId} was never compared with its archive's index; it does not count`);
    this.#found = found.filter((snapshot) => !isDoubtful(snapshot));
    return this.#found;
  }

  async #recall(): Promise<readonly Snapshot[] | undefined> {
    const names = await this.#names();
    if (names === undefined) return undefined;
    const text = await readFile(this.#path, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const snapshots = parseSnapshots(text);
    const ids = new Set(snapshots.map(({ id }) => id));
    const isSame = ids.size === names.length && names.every((name) => ids.has(name));
    return isSame ? snapshots : undefined;
  }

  /** The ids of all snapshots in a repository that is a folder of this machine; undefined for any other. */
  async #names(): Promise<readonly string[] | undefined> {
    const { repository } = this.parts.restic;
    if (!repository.startsWith('/')) return undefined;
    return readdir(join(repository, 'snapshots')).catch(() => undefined);
  }

  get #path(): string {
    return join(this.parts.stateDir, 'hosts', `${this.parts.host}.stored`);
  }
}
