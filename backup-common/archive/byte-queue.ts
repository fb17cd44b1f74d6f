import { BackupError } from '../errors.ts';

/** Takes exact numbers of bytes from a stream of chunks of any size. */
export class ByteQueue {
  readonly #source: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;
  /** Bytes taken so far. */
  taken = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#source = chunks[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes, or undefined when the stream has ended before the first of them. */
  async take(length: number): Promise<Buffer | undefined> {
    if (this.#chunk.length - this.#position >= length) return this.#cut(length);
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await this.takeUpTo(missing);
      if (part === undefined) {
        if (parts.length === 0) return undefined;
        throw new BackupError('the archive ends in the middle of an entry', { hint: 'It was cut off; make it anew.' });
      }
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** The next bytes, at most `length`; undefined at the end of the stream. */
  async takeUpTo(length: number): Promise<Buffer | undefined> {
    while (this.#position === this.#chunk.length) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
      this.#position = 0;
    }
    return this.#cut(Math.min(length, this.#chunk.length - this.#position));
  }

  #cut(length: number): Buffer {
    const part = this.#chunk.subarray(this.#position, this.#position + length);
    this.#position += length;
    this.taken += length;
    return part;
  }
}
