import { lstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { bytesOf } from '#common/archive/byte-path.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { TarReader } from '#common/archive/tar-reader.ts';
import type { WalkedEntry } from '#common/archive/walk-tree.ts';
import { BackupError } from '#common/errors.ts';
import type { Runner, RunningProgram } from '#common/process/runner.ts';
import type { PlannedStep } from './reuse-plan.ts';
import type { Source } from './source.ts';
import { tarCommand, unexplainedMessage } from './tar-command.ts';

/** What became of a step: tar read it, only the index can record it, it was gone when tar came to it, or it is copied. */
export type ReadEntry =
  | { readonly type: 'entry'; readonly walked: WalkedEntry; readonly tar: TarEntry }
  | { readonly type: 'unstored'; readonly walked: WalkedEntry }
  | { readonly type: 'vanished'; readonly walked: WalkedEntry }
  | CopyStep;

type CopyStep = Extract<PlannedStep, { type: 'copy' }>;

/** One run of GNU tar over a walk: names go in, entries come out, and each entry is matched with its name. */
export class TarRun {
  readonly reader: TarReader;
  readonly #program: RunningProgram;
  /** Named to tar and not yet seen in its stream, and between them what needs no reading. */
  readonly #named: PlannedStep[] = [];
  readonly #fed: Promise<void>;
  /** There, but not in tar's stream. */
  #leftOut: WalkedEntry | undefined;

  constructor(
    private readonly source: Source,
    steps: AsyncIterable<PlannedStep>,
    tools: { readonly tar: string; readonly runner: Runner },
  ) {
    this.#program = tools.runner.start(tarCommand(tools.tar, source.folder));
    this.reader = new TarReader(this.#program.stdout);
    this.#fed = this.#feed(steps, this.#program.stdin);
    this.#fed.catch(() => this.#program.stop());
  }

  /** Every walked path once, in order. Ends with an error when tar had another reason to complain than what vanished. */
  async *entries(): AsyncGenerator<ReadEntry> {
    try {
      let goneFolder: string | undefined;
      for (let tar = await this.#next(); tar !== undefined; tar = await this.#next()) {
        for (;;) {
          const step = this.#named.shift();
          if (step === undefined) throw new Error(`tar named "${tar.path}", which it was not told of`);
          if (step.type === 'copy') {
            yield* this.#copied(step, goneFolder);
            continue;
          }
          const { walked } = step;
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
      for (const step of this.#named) {
        if (step.type === 'copy') yield* this.#copied(step, goneFolder);
        else yield this.#missed(step.walked);
      }
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

  /** Not when a folder above it has gone meanwhile. */
  *#copied(step: CopyStep, goneFolder: string | undefined): Generator<ReadEntry> {
    const isLost = (path: string) => goneFolder !== undefined && path.startsWith(`${goneFolder}/`);
    if (!step.walked.some(({ path }) => isLost(path))) yield step;
    else for (const walked of step.walked) yield { type: 'vanished', walked };
  }

  #missed(walked: WalkedEntry): ReadEntry {
    if (isUnstorable(walked)) return { type: 'unstored', walked };
    const now = lstatSync(this.source.diskPathOf(walked.path), { throwIfNoEntry: false });
    if (now !== undefined && now.ino === Number(walked.stat.ino)) this.#leftOut = walked;
    return { type: 'vanished', walked };
  }

  /** Ends early when tar has gone: its exit code and its message say why. */
  async #feed(steps: AsyncIterable<PlannedStep>, stdin: Writable): Promise<void> {
    stdin.on('error', () => undefined);
    const closed = new Promise((resolve) => stdin.once('close', resolve));
    for await (const step of steps) {
      this.#named.push(step);
      if (step.type === 'copy' || isUnstorable(step.walked)) continue;
      if (stdin.destroyed) {
        this.#leftOut = step.walked;
        return;
      }
      const hasRoom = stdin.write(Buffer.concat([bytesOf(this.source.tarNameOf(step.walked.path)), nul]));
      if (!hasRoom) await Promise.race([new Promise((resolve) => stdin.once('drain', resolve)), closed]);
    }
    stdin.end();
  }
}

const nul = Buffer.from([0]);

function isUnstorable({ stat }: WalkedEntry): boolean {
  return stat.isSocket() || stat.isBlockDevice() || stat.isCharacterDevice();
}
