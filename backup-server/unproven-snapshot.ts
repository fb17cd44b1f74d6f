import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '#common/atomic-file.ts';
import { hasCode } from '#common/errors.ts';

/**
 * The note that a snapshot of a host is being made, `<stateDir>/hosts/<host>.unproven`: it holds the timestamp of the
 * archive, which is the snapshot's tag. While it is there no snapshot with that tag counts, because nobody has compared
 * it with the index: the run was killed before, or the snapshot did not match and could not be taken back.
 */
export class UnprovenSnapshot {
  readonly #path: string;

  constructor(stateDir: string, host: string) {
    this.#path = join(stateDir, 'hosts', `${host}.unproven`);
  }

  async tag(): Promise<string | undefined> {
    return readFile(this.#path, 'utf8').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    });
  }

  async begin(tag: string): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await writeFileAtomically(this.#path, tag);
  }

  async proven(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
