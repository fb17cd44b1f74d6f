import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BackupError, hasCode } from '../errors.ts';
import type { RangeSource } from './range-source.ts';

/** A source that can tell whether the file is still the one it was when it was opened. */
export interface CheckedSource extends RangeSource {
  /** Rejects with a BackupError when size or mtime have changed. The end of `stream` does the same. */
  verifyUnchanged(): Promise<void>;
}

const chunkBytes = 1024 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Opens a regular file of this machine. Links are refused, and so is anything else that is no plain file, without
 * waiting for the other end of a FIFO. Rejects with a BackupError; system errors are its cause.
 */
export async function openFileSource(path: string): Promise<CheckedSource> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    throw hasCode(error, 'ELOOP') ? notPlain(path) : new BackupError(`cannot open ${path}`, { cause: error });
  });
  try {
    const facts = await handle.stat({ bigint: true });
    if (!facts.isFile()) throw notPlain(path);
    return new FileRangeSource(path, handle, Number(facts.size), facts.mtimeNs);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class FileRangeSource implements CheckedSource {
  constructor(
    readonly name: string,
    private readonly handle: FileHandle,
    readonly size: number,
    private readonly mtimeNs: bigint,
  ) {}

  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await this.#readInto(buffer, filled, offset + filled);
      if (bytesRead === 0) throw endsEarly(this.name, offset + filled, offset + length);
      filled += bytesRead;
    }
    return buffer;
  }

  async *stream(start = 0, end = this.size): AsyncGenerator<Buffer> {
    for (let offset = start; offset < end; offset += chunkBytes) {
      yield await this.read(offset, Math.min(chunkBytes, end - offset));
    }
    await this.verifyUnchanged();
  }

  async verifyUnchanged(): Promise<void> {
    const facts = await this.handle.stat({ bigint: true });
    if (Number(facts.size) !== this.size || facts.mtimeNs !== this.mtimeNs) throw changed(this.name);
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  async #readInto(buffer: Buffer, from: number, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.handle.read(buffer, from, buffer.length - from, position);
    } catch (error) {
      throw new BackupError(`cannot read ${this.name} at byte ${position}`, { cause: error });
    }
  }
}

/** A source ended before the bytes that were asked for. */
export function endsEarly(name: string, at: number, wanted: number): BackupError {
  return new BackupError(`${name} ends at byte ${at}, but it was to be read up to byte ${wanted}`, {
    hint: 'It was cut short, or is not written to its end yet. Look at the last run on the client.',
  });
}

/** A source is another one than when it was opened. */
export function changed(name: string): BackupError {
  return new BackupError(`${name} has changed while it was read`, {
    hint: 'Only the client’s own program may write there, and it never writes to a published archive.',
  });
}

/** A name that must be a regular file stands for something else. */
export function notPlain(name: string): BackupError {
  return new BackupError(`${name} is not a regular file`, {
    hint: 'Links, devices and pipes are never read as archives. Look at who put it there.',
  });
}
