import type { BytePath } from '#common/archive/byte-path.ts';
import { bytesOf } from '#common/archive/byte-path.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { TarReader } from '#common/archive/tar-reader.ts';
import { BackupError } from '#common/errors.ts';
import type { Runner, RunningProgram } from '#common/process/runner.ts';
import type { Source } from './source.ts';
import { tarCommand, unexplainedMessage } from './tar-command.ts';

/** A run of GNU tar over one source: names go in by `name`, entries come out in the same order. */
export class TarRun {
  readonly reader: TarReader;
  /** Named, and not yet asked for. */
  waiting = 0;
  readonly #program: RunningProgram;
  #names: Buffer[] = [];
  #next: Promise<TarEntry | undefined> | undefined;
  /** There, but not in tar's stream. */
  #leftOut: BytePath | undefined;

  constructor(
    private readonly source: Source,
    tools: { readonly tar: string; readonly runner: Runner },
  ) {
    this.#program = tools.runner.start(tarCommand(tools.tar, source.folder));
    this.#program.stdin.on('error', () => undefined); // tar has gone: its exit code and its message say why
    this.reader = new TarReader(this.#program.stdout);
  }

  /** Names are gathered until `sendNames`, since each write wakes tar. */
  name(path: BytePath): void {
    this.waiting += 1;
    this.#names.push(bytesOf(this.source.tarNameOf(path)), nul);
  }

  /** What tar does not read yet waits in memory: the caller names no more than it wants to have ahead. */
  sendNames(): void {
    if (this.#names.length > 0 && !this.#program.stdin.destroyed) this.#program.stdin.write(Buffer.concat(this.#names));
    this.#names = [];
  }

  /** There are no more names. Tar keeps its last entries to itself until it knows. */
  endNames(): void {
    this.sendNames();
    this.#program.stdin.end();
  }

  /** The entry of the next path that was named; undefined when tar has passed over it. */
  async take(path: BytePath): Promise<TarEntry | undefined> {
    this.waiting -= 1;
    this.#next ??= this.#read();
    const next = await this.#next;
    if (next === undefined || this.source.headerPathOf(path) !== next.path) return undefined;
    this.#next = undefined;
    return next;
  }

  /** Tar did not give what is there. That is a failure, unless tar has a better one to tell. */
  leaveOut(path: BytePath): void {
    this.#leftOut = path;
  }

  /** After the last entry: throws a BackupError when tar had another reason to complain than what vanished. */
  async finish(): Promise<void> {
    this.#next ??= this.#read();
    const next = await this.#next;
    if (next !== undefined) throw new Error(`tar named "${next.path}", which it was not told of`);
    await this.#checkEnd();
    if (this.#leftOut !== undefined)
      throw new BackupError(`tar left out ${this.source.describe(this.#leftOut)} without saying why`);
  }

  stop(): void {
    this.#program.stop();
  }

  /** Tar's own message is a better one than that of its broken stream. */
  async #read(): Promise<TarEntry | undefined> {
    try {
      return await this.reader.next();
    } catch (error) {
      await this.#checkEnd();
      throw error;
    }
  }

  async #checkEnd(): Promise<void> {
    this.endNames();
    const { exitCode, signal, stderr } = await this.#program.done;
    const message = signal === undefined ? unexplainedMessage(exitCode, stderr) : `ended by ${signal}`;
    if (message === undefined) return;
    throw new BackupError(`tar could not read ${this.source.describe('')}: ${message}`, {
      hint: 'Mend what tar names, or exclude the path.',
    });
  }
}

const nul = Buffer.from([0]);
