import { once } from 'node:events';
import { lstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { bytesOf } from '#common/archive/byte-path.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { TarReader } from '#common/archive/tar-reader.ts';
import { type WalkedEntry, walkTree } from '#common/archive/walk-tree.ts';
import { BackupError } from '#common/errors.ts';
import type { TreeRequest } from '#common/plugin/collector.ts';
import type { Runner, RunningProgram } from '#common/process/runner.ts';
import type { Source } from './source.ts';
import { tarCommand, unexplainedMessage } from './tar-command.ts';

/** What became of a walked path: tar read it, only the index can record it, or it was gone when tar came to it. */
export type ReadEntry =
  | { readonly type: 'entry'; readonly walked: WalkedEntry; readonly tar: TarEntry }
  | { readonly type: 'unstored'; readonly walked: WalkedEntry }
  | { readonly type: 'vanished'; readonly walked: WalkedEntry };

/** One run of GNU tar over a walk: names go in, entries come out, and each entry is matched with its name. */
export class TarRun {
  readonly reader: TarReader;
  readonly #program: RunningProgram;
  /** Named to tar and not yet seen in its stream. */
  readonly #named: WalkedEntry[] = [];
  readonly #fed: Promise<void>;
  /** There, but not in tar's stream. */
  #leftOut: WalkedEntry | undefined;

  constructor(
    private readonly source: Source,
    walk: Pick<TreeRequest, 'source' | 'excludes'> | { readonly walk: Iterable<WalkedEntry> },
    tools: { readonly tar: string; readonly runner: Runner },
  ) {
    this.#program = tools.runner.start(tarCommand(tools.tar, source.folder));
    this.reader = new TarReader(this.#program.stdout);
    const entries = 'walk' in walk ? walk.walk : walkTree(walk.source, walk);
    this.#fed = this.#feed(entries, this.#program.stdin);
    this.#fed.catch(() => this.#program.stop());
  }

  /** Every walked path once, in order. Ends with an error when tar had another reason to complain than what vanished. */
  async *entries(): AsyncGenerator<ReadEntry> {
    try {
      let goneFolder: string | undefined;
      for (let tar = await this.#next(); tar !== undefined; tar = await this.#next()) {
        for (;;) {
          const walked = this.#named.shift();
          if (walked === undefined) throw new Error(`tar named "${tar.path}", which it was not told of`);
          const isIt = this.source.headerPathOf(walked.path) === tar.path;
          const isLost = goneFolder !== undefined && walked.path.startsWith(`${goneFolder}/`);
          if (isIt && !isLost) yield { type: 'entry', walked, tar };
          else {
            const missed = this.#missed(walked);
            if (missed.type === 'vanished' && walked.stat.isDirectory()) goneFolder = walked.path;
            yield missed;
          }
          if (isIt) break;
        }
      }
      await this.#fed;
      await this.#checkEnd();
      for (const walked of this.#named) yield this.#missed(walked);
      if (this.#leftOut !== undefined) {
        throw new BackupError(`tar left out ${this.source.describe(this.#leftOut.path)} without saying why`);
      }
    } finally {
      this.#program.stop();
    }
  }

  /** Tar's own message is a better one than that of its broken stream. */
  async #next(): Promise<TarEntry | undefined> {
    try {
      return await this.reader.next();
    } catch (error) {
      await this.#fed;
      await this.#checkEnd();
      throw error;
    }
  }

  async #checkEnd(): Promise<void> {
    const { exitCode, signal, stderr } = await this.#program.done;
    const message = signal === undefined ? unexplainedMessage(exitCode, stderr) : `ended by ${signal}`;
    if (message === undefined) return;
    throw new BackupError(`tar could not read ${this.source.describe('')}: ${message}`, {
      hint: 'Mend what tar names, or exclude the path.',
    });
  }

  #missed(walked: WalkedEntry): ReadEntry {
    if (isUnstorable(walked)) return { type: 'unstored', walked };
    const now = lstatSync(this.source.diskPathOf(walked.path), { throwIfNoEntry: false });
    if (now !== undefined && now.ino === Number(walked.stat.ino)) this.#leftOut = walked;
    return { type: 'vanished', walked };
  }

  async #feed(walk: Iterable<WalkedEntry>, stdin: Writable): Promise<void> {
    const broken = once(stdin, 'error').then(() => 'broken' as const);
    broken.catch(() => undefined);
    for (const walked of walk) {
      this.#named.push(walked);
      if (isUnstorable(walked)) continue;
      const hasRoom = stdin.write(Buffer.concat([bytesOf(this.source.tarNameOf(walked.path)), nul]));
      if (!hasRoom && (await Promise.race([once(stdin, 'drain'), broken])) === 'broken') return;
    }
    stdin.end();
  }
}

const nul = Buffer.from([0]);

function isUnstorable({ stat }: WalkedEntry): boolean {
  return stat.isSocket() || stat.isBlockDevice() || stat.isCharacterDevice();
}
