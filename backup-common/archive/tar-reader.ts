import { BackupError } from '../errors.ts';
import type { BytePath } from './byte-path.ts';
import { ByteQueue } from './byte-queue.ts';
import { type PaxRecord, parsePax } from './pax.ts';
import { type Extensions, entryOf } from './tar-dialect.ts';
import type { TarEntry } from './tar-entry.ts';
import { blockSize, paddingAfter, parseTarHeader } from './tar-header.ts';

/** Extended headers are small; a sparse map with 100,000 pieces takes 6 MB. */
const maxExtensionBytes = 16 * 1024 * 1024;

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
    let extensions: Extensions = { pax: [] };
    for (;;) {
      const block = await this.#queue.take(blockSize);
      if (block === undefined) throw cutOff();
      const header = parseTarHeader(block);
      if (header === undefined) {
        await this.#readEnd();
        return undefined;
      }
      if (header.typeFlag === 'x') extensions = { ...extensions, pax: await this.#readPax(header.size) };
      else if (header.typeFlag === 'g') refuseGlobal(await this.#readPax(header.size));
      else if (header.typeFlag === 'L') extensions = { ...extensions, longPath: await this.#readName(header.size) };
      else if (header.typeFlag === 'K') extensions = { ...extensions, longLink: await this.#readName(header.size) };
      else {
        const entry = entryOf(header, extensions);
        this.#unread = entry.storedSize;
        this.#padding = paddingAfter(entry.storedSize);
        return entry;
      }
    }
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

  async #readPax(size: number): Promise<PaxRecord[]> {
    return parsePax(await this.#readExtension(size));
  }

  async #readName(size: number): Promise<BytePath> {
    return (await this.#readExtension(size)).toString('latin1').replace(/\0+$/, '');
  }

  async #readExtension(size: number): Promise<Buffer> {
    if (size > maxExtensionBytes) throw new BackupError('an extended tar header is larger than 16 MiB');
    const data = await this.#queue.take(size + paddingAfter(size));
    if (data === undefined) throw cutOff();
    return data.subarray(0, size);
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

/** A global header would change every entry after it; `git archive` writes one that only comments. */
function refuseGlobal(records: readonly PaxRecord[]): void {
  const strange = records.find(([key]) => key !== 'comment');
  if (strange !== undefined) throw new BackupError(`a global PAX header sets "${strange[0]}", which is refused`);
}

function cutOff(): BackupError {
  return new BackupError('the tar stream is cut off', {
    hint: 'The archive is damaged or was not written to its end.',
  });
}
