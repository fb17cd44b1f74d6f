import { BackupError } from '../errors.ts';
import type { Runner, RunningProgram } from '../process/runner.ts';
import { extractCommand } from './extract-command.ts';
import type { IndexEntry } from './index-entry.ts';
import type { TarEntry } from './tar-entry.ts';
import { blockSize, encodeDevice, encodeTarEntry, paddingAfter } from './tar-header.ts';

/** Writes entries into a folder through one run of GNU tar. `close` must be called, also after a failure. */
export class Extractor {
  readonly #program: RunningProgram;
  #broken: Error | undefined;

  constructor(
    private readonly folder: string,
    tools: { readonly tar: string; readonly runner: Runner },
    keepAttributes = false,
  ) {
    this.#program = tools.runner.start(extractCommand(tools.tar, folder, keepAttributes));
    this.#program.stdin.on('error', (error) => {
      this.#broken = error;
    });
  }

  async add(tar: TarEntry, content: AsyncIterable<Buffer>): Promise<void> {
    await this.write(encodeTarEntry(tar));
    if (tar.storedSize === 0) return;
    for await (const part of content) await this.write(part);
    await this.write(Buffer.alloc(paddingAfter(tar.storedSize)));
  }

  /** Any piece of a tar stream whose headers `encodeTarEntry` made. Its memory may be used again when this resolves. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#broken !== undefined) await this.#checkEnd();
    if (bytes.length === 0) return;
    const written = new Promise<void>((resolve) => this.#program.stdin.write(bytes, () => resolve()));
    await Promise.race([written, this.#program.done]);
  }

  /** Makes a device node that an index has recorded. */
  addDevice(entry: IndexEntry): Promise<void> {
    return this.write(encodeDevice(entry));
  }

  /** Ends the stream and waits for tar; a BackupError when it could not write everything. */
  async finish(): Promise<void> {
    await this.write(Buffer.alloc(2 * blockSize));
    this.#program.stdin.end();
    await this.#checkEnd();
  }

  /** Ends the stream in its middle and waits until tar has written what it got. */
  async breakOff(): Promise<void> {
    this.#program.stdin.end();
    await this.#program.done;
  }

  close(): void {
    this.#program.stop();
  }

  async #checkEnd(): Promise<void> {
    const { exitCode, signal, stderr } = await this.#program.done;
    if (exitCode === 0) return;
    const message = stderr.split('\n')[0] || (signal === undefined ? `exit code ${exitCode}` : `ended by ${signal}`);
    const isFull = stderr.includes('No space left on device');
    throw new BackupError(`cannot unpack into ${this.folder}: ${message}`, {
      hint: isFull
        ? 'Make room on the server, or set tree: discard for hosts you can fetch whole.'
        : 'See the message of tar.',
    });
  }
}
