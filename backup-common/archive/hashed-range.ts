import { createHash } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';

/** Hex digits of a sha256. */
const hashLength = 64;

/** A place in an open file, in bytes. */
export interface FilePlace {
  readonly fd: number;
  readonly offset: number;
}

/** A range of an open file, and the lengths and sha256 (hex) of the parts it must consist of. */
export interface HashedRange extends FilePlace {
  readonly parts: ReadonlyArray<{ readonly length: number; readonly sha256: string }>;
}

/** A range as it is sent to a thread: one long text takes a tenth of the time of many objects. */
export interface FlatRange extends FilePlace {
  readonly lengths: readonly number[];
  /** The hashes of all parts, one after the other. */
  readonly sha256: string;
}

export function flatten({ fd, offset, parts }: HashedRange): FlatRange {
  const sha256 = parts.map((part) => part.sha256).join('');
  return { fd, offset, lengths: parts.map(({ length }) => length), sha256 };
}

/**
 * The bytes of the range, or undefined when a part has another hash or the file ends before. Throws the system's error.
 * Synchronous: meant for threads that do nothing else.
 */
export function readHashed({ fd, offset, lengths, sha256 }: FlatRange): Uint8Array | undefined {
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  for (let filled = 0; filled < bytes.length; ) {
    const count = readSync(fd, bytes, filled, bytes.length - filled, offset + filled);
    if (count === 0) return undefined;
    filled += count;
  }
  let start = 0;
  for (const [place, length] of lengths.entries()) {
    const part = bytes.subarray(start, start + length);
    const expected = sha256.slice(place * hashLength, (place + 1) * hashLength);
    if (createHash('sha256').update(part).digest('hex') !== expected) return undefined;
    start += length;
  }
  return bytes;
}

/** Throws the system's error. Synchronous, too. */
export function writeAt({ fd, offset }: FilePlace, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, offset + written);
}
