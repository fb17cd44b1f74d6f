import { type CheckedSource, changed, endsEarly } from '#common/archive/file-range-source.ts';
import { mapAhead } from '#common/archive/map-ahead.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { SftpSession } from './sftp-session.ts';

/** What every server must be able to answer at once, and enough of it under way to fill a long line. */
const chunkBytes = 32 * 1024;
const chunksUnderWay = 64;

interface OpenedFile {
  readonly name: string;
  readonly handle: Buffer;
  readonly size: number;
  /** SFTP tells whole seconds only. */
  readonly mtimeSeconds: number;
}

/** A file that is read by many requests at once and handed on in order; at most 64 × 32 KiB wait here. */
export function sftpRangeSource(session: SftpSession, file: OpenedFile, limiter: RateLimiter): CheckedSource {
  return new SftpRangeSource(session, file, limiter);
}

interface Range {
  readonly start: number;
  readonly end: number;
}

class SftpRangeSource implements CheckedSource {
  readonly name: string;
  readonly size: number;

  constructor(
    private readonly session: SftpSession,
    private readonly file: OpenedFile,
    private readonly limiter: RateLimiter,
  ) {
    this.name = file.name;
    this.size = file.size;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    const place = ({ start, end }: Range) => bytes.subarray(start - offset, end - offset);
    const read = mapAhead(chunksOf(offset, offset + length), chunksUnderWay, (chunk) =>
      this.#fill(place(chunk), chunk),
    );
    for await (const _ of read);
    return bytes;
  }

  async *stream(start = 0, end = this.size): AsyncGenerator<Buffer> {
    yield* mapAhead(chunksOf(start, end), chunksUnderWay, (chunk) =>
      this.#fill(Buffer.allocUnsafe(chunk.end - chunk.start), chunk),
    );
    await this.verifyUnchanged();
  }

  async verifyUnchanged(): Promise<void> {
    const { handle, size, mtimeSeconds } = this.file;
    const now = await this.session.request<{ size: number; mtime: number }>((sftp, answer) =>
      sftp.fstat(handle, answer),
    );
    if (now.size !== size || now.mtime !== mtimeSeconds) throw changed(this.name);
  }

  /** Where the connection is gone, the host has closed the file by itself. */
  async close(): Promise<void> {
    await this.session.request<void>((sftp, answer) => sftp.close(this.file.handle, answer)).catch(() => undefined);
  }

  /** A server may answer with less than it was asked for; nothing at all is the end of the file. */
  async #fill(buffer: Buffer, { start, end }: Range): Promise<Buffer> {
    await this.limiter.take(end - start);
    for (let filled = 0; filled < buffer.length; ) {
      const received = await this.#readInto(buffer.subarray(filled), start + filled);
      if (received === 0) throw endsEarly(this.name, start + filled, end);
      filled += received;
    }
    return buffer;
  }

  #readInto(buffer: Buffer, position: number): Promise<number> {
    return this.session.request<number>((sftp, answer) =>
      sftp.read(this.file.handle, buffer, 0, buffer.length, position, answer),
    );
  }
}

async function* chunksOf(start: number, end: number): AsyncGenerator<Range> {
  for (let at = start; at < end; at += chunkBytes) yield { start: at, end: Math.min(at + chunkBytes, end) };
}
