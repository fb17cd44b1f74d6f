import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { chunkHashOf, sha256Of } from '#common/archive/gzip-member.ts';
import type { Donor } from './content-donors.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const readBytes = 1024 * 1024;

/** Hashes of a file and of its pieces. */
export interface ContentHashes {
  /** sha256, in hex. */
  readonly whole: string;
  /** As `chunkHashOf` gives them, as far as the file goes; zeros fill the last one up, as tar's padding does. */
  readonly pieces: readonly string[];
}

/** Reads a file to its end. Its pieces have the given lengths; they may reach beyond the end. */
export async function hashContent(file: Buffer, pieceLengths: readonly number[]): Promise<ContentHashes> {
  return withFile(file, async (handle) => {
    const whole = createHash('sha256');
    const pieces: string[] = [];
    let offset = 0;
    for (;;) {
      const length = pieceLengths[pieces.length] ?? readBytes;
      const { content, filled } = await readAt(handle, offset, length);
      whole.update(content.subarray(0, filled));
      if (pieces.length < pieceLengths.length && filled > 0) pieces.push(chunkHashOf(content));
      offset += filled;
      if (filled < length) return { whole: whole.digest('hex'), pieces };
    }
  });
}

/** The content with this hash, a chunk's or one of full length; undefined when the donor does not have it. Zeros stand for what is beyond its end. */
export async function readDonor({ file, offset }: Donor, length: number, sha256: string): Promise<Buffer | undefined> {
  try {
    const { content } = await withFile(file, (handle) => readAt(handle, offset, length));
    return sha256Of(content).startsWith(sha256) ? content : undefined;
  } catch {
    return undefined; // whatever has become of that file, it does not have the content
  }
}

async function withFile<T>(file: Buffer, read: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    return await read(handle);
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, offset: number, length: number) {
  const content = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(content, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return { content, filled };
}
