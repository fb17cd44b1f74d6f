import { BackupError } from '../errors.ts';
import { ByteQueue } from './byte-queue.ts';
import type { TarEntry } from './tar-entry.ts';
import { blockSize, paddingAfter } from './tar-header.ts';
import { cutOff, readHeaders } from './tar-headers.ts';

/** Reads a tar stream entry by entry, at the level of bytes. Everything malformed is a BackupError. */
export class TarReader {
  readonly #queue: ByteQueue;
  #unread = 0;
  #padding = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#queue = new ByteQueue(chunks);
  }

  /** Bytes of the tar stream read so far. */
  get position(): number {
    return this.#queue.taken;
  }

  /**
   * The next entry, or undefined at the end. What was not read of the entry before is passed over. A stream without
   * the two blocks of zeros at its end was cut off and is refused.
   */
  async next(): Promise<TarEntry | undefined> {
    await this.#passOver();
    const entry = await this.#readHeaders();
    if (entry === undefined) await this.#readEnd();
    this.#unread = entry?.storedSize ?? 0;
    this.#padding = paddingAfter(this.#unread);
    return entry;
  }

  /** The next piece of the current entry's stored bytes, at most `length`; undefined when all have been read. */
  async read(length: number): Promise<Buffer | undefined> {
    if (this.#unread === 0) return undefined;
    const part = await this.#queue.takeUpTo(Math.min(length, this.#unread));
    if (part === undefined) throw cutOff();
    this.#unread -= part.length;
    return part;
  }

  /** All stored bytes of the current entry, in pieces. */
  async *content(): AsyncGenerator<Buffer> {
    for (let part = await this.read(1 << 20); part !== undefined; part = await this.read(1 << 20)) yield part;
  }

  /** The same at once, for what is small. */
  async readAll(): Promise<Buffer[]> {
    const parts: Buffer[] = [];
    for (let part = await this.read(1 << 20); part !== undefined; part = await this.read(1 << 20)) parts.push(part);
    return parts;
  }

  async #passOver(): Promise<void> {
    while ((await this.read(1 << 20)) !== undefined);
    if (this.#padding > 0 && (await this.#queue.take(this.#padding)) === undefined) throw cutOff();
    this.#padding = 0;
  }

  async #readHeaders(): Promise<TarEntry | undefined> {
    const reading = readHeaders();
    let step = reading.next();
    while (step.done !== true) step = reading.next(await this.#queue.take(step.value));
    return step.value;
  }

  /** After the first block of zeros: a second one, then nothing but zeros. */
  async #readEnd(): Promise<void> {
    const second = await this.#queue.take(blockSize);
    if (second === undefined) throw cutOff();
    for (let part: Buffer | undefined = second; part !== undefined; part = await this.#queue.takeUpTo(1 << 20)) {
      if (part.some((byte) => byte !== 0)) throw new BackupError('data follows the end of the tar archive');
    }
  }
}
