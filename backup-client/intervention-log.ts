import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFileAtomically } from '#common/atomic-file.ts';
import { BackupError, hasCode } from '#common/errors.ts';

/** What a run has begun to change on this machine and has not undone yet. */
export interface OpenIntervention {
  readonly service: { readonly type: string; readonly name: string };
  readonly taskKey: string;
  readonly kind: InterventionKind;
  /** The collector's own, plain JSON. */
  readonly state: unknown;
}

export type InterventionKind = 'stop' | 'snapshot' | 'cleanup';

/** An intervention on disk, with the file that says so. */
export interface LoggedIntervention extends OpenIntervention {
  readonly file: string;
}

/**
 * The list of open interventions, one file each in `<state_dir>/interventions`. A file is on disk before anything is
 * changed and goes when it is undone, so that after SIGKILL or a power cut `local-backup recover` knows all of them.
 * Needs the instance lock.
 */
export class InterventionLog {
  readonly #folder: string;

  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'interventions');
  }

  async open(intervention: OpenIntervention): Promise<LoggedIntervention> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const last = (await this.#fileNames()).at(-1) ?? '0';
    const file = join(this.#folder, `${String(Number.parseInt(last, 10) + 1).padStart(6, '0')}.json`);
    await writeFileAtomically(file, JSON.stringify(intervention));
    return { ...intervention, file };
  }

  async close({ file }: LoggedIntervention): Promise<void> {
    await rm(file, { force: true });
    await syncFolder(this.#folder);
  }

  /** All that is open, in the order in which it is to be undone: the newest first. */
  async all(): Promise<readonly LoggedIntervention[]> {
    const files = (await this.#fileNames()).reverse().map((name) => join(this.#folder, name));
    return Promise.all(files.map(readIntervention));
  }

  async #fileNames(): Promise<string[]> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    });
    return names.filter((name) => /^\d{6,}\.json$/.test(name)).sort();
  }
}

async function readIntervention(file: string): Promise<LoggedIntervention> {
  try {
    return { ...(JSON.parse(await readFile(file, 'utf8')) as OpenIntervention), file };
  } catch (error) {
    throw new BackupError(`cannot read ${file}, which says what a run had stopped`, {
      cause: error,
      hint: 'Look whether every service runs and every snapshot of ours is gone, then remove the file.',
    });
  }
}
