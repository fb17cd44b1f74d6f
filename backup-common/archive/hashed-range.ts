import { createHash } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';

/** A place in an open file, in bytes. */
export interface FilePlace {
  readonly fd: number;
  readonly offset: number;
}

/** A range of an open file, and the lengths and sha256 (hex) of the parts it must consist of. */
export interface HashedRange extends FilePlace {
  readonly parts: ReadonlyArray<{ readonly length: number; readonly sha256: string }>;
}

/**
 * The bytes of the range, or undefined when a part has another hash or the file ends before. Throws the system's error.
 * Synchronous: meant for threads that do nothing else.
 */
export function readHashed({ fd, offset, parts }: HashedRange): Uint8Array | undefined {
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  for (let filled = 0; filled < bytes.length; ) {
    const count = readSync(fd, bytes, filled, bytes.length - filled, offset + filled);
    if (count === 0) return undefined;
    filled += count;
  }
  let start = 0;
  for (const { length, sha256 } of parts) {
    const part = bytes.subarray(start, start + length);
    if (createHash('sha256').update(part).digest('hex') !== sha256) return undefined;
    start += length;
  }
  return bytes;
}

/** Throws the system's error. Synchronous, too. */
export function writeAt({ fd, offset }: FilePlace, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, offset + written);
}
