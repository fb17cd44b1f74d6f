import type { FileHandle } from 'node:fs/promises';
import type { ArchiveWork } from './archive-work.ts';
import { damaged } from './gzip-member.ts';
import type { FilePlace } from './hashed-range.ts';

/** What is appended is gathered to writes of about this size. */
const writeBytes = 1024 * 1024;

/** Bytes to append, with the hashes of their parts when they are to be read back once they are written. */
export interface Appendix {
  readonly bytes: Uint8Array;
  readonly parts?: ReadonlyArray<{ readonly length: number; readonly sha256: string }>;
}

/** Appends to a file, and reads back what was appended with hashes. */
export class FileAppender {
  #length = 0;
  #gathered: Appendix[] = [];
  #gatheredBytes = 0;
  #checks: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: FileHandle,
    private readonly work: ArchiveWork,
  ) {}

  /** Bytes appended so far, written or not. */
  get length(): number {
    return this.#length + this.#gatheredBytes;
  }

  async append(appendix: Appendix): Promise<void> {
    this.#gathered.push(appendix);
    this.#gatheredBytes += appendix.bytes.length;
    if (this.#gatheredBytes >= writeBytes) await this.#writeGathered();
  }

  /** A place at the end for so many bytes, which the caller writes there. */
  async reserve(length: number): Promise<FilePlace> {
    await this.#writeGathered();
    const offset = this.#length;
    this.#length += length;
    return { fd: this.file.fd, offset };
  }

  /** Writes everything and waits until it was read back. A BackupError (`damaged-archive`) when that differs. */
  async flush(): Promise<void> {
    await this.#writeGathered();
    await this.#checks;
  }

  /** Replaces bytes that were flushed. */
  async overwrite(offset: number, appendix: Appendix): Promise<void> {
    await this.#write(offset, [appendix.bytes]);
    await this.#readBack(offset, appendix);
  }

  async cutBackTo(length: number): Promise<void> {
    await this.flush();
    await this.file.truncate(length);
    this.#length = length;
  }

  async #writeGathered(): Promise<void> {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    let offset = this.#length;
    this.#length += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    await this.#write(
      offset,
      gathered.map(({ bytes }) => bytes),
    );
    for (const appendix of gathered) {
      this.#checks = Promise.all([this.#checks, this.#readBack(offset, appendix)]).then(() => undefined);
      this.#checks.catch(() => undefined); // seen by the next `flush`
      offset += appendix.bytes.length;
    }
  }

  async #write(offset: number, parts: readonly Uint8Array[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const { bytesWritten } = await this.file.writev([...parts], offset);
    if (bytesWritten === length) return;
    const rest = Buffer.concat(parts).subarray(bytesWritten);
    for (let written = 0; written < rest.length; ) {
      const at = offset + bytesWritten + written;
      written += (await this.file.write(rest, written, rest.length - written, at)).bytesWritten;
    }
  }

  async #readBack(offset: number, { parts = [] }: Appendix): Promise<void> {
    if (parts.length === 0 || (await this.work.check({ fd: this.file.fd, offset, parts }))) return;
    throw damaged('the archive', `is another one when it is read back at byte ${offset}`);
  }
}
