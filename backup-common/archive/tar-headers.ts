import { BackupError } from '../errors.ts';
import type { BytePath } from './byte-path.ts';
import { type PaxRecord, parsePax } from './pax.ts';
import { type Extensions, entryOf } from './tar-dialect.ts';
import type { TarEntry } from './tar-entry.ts';
import { blockSize, paddingAfter, parseTarHeader } from './tar-header.ts';

/** Extended headers are small; a sparse map with 100,000 pieces takes 6 MB. */
const maxExtensionBytes = 16 * 1024 * 1024;

/** Yields how many bytes are needed next, and is to be resumed with them; with undefined where there are none. */
export type Reading<T> = Generator<number, T, Buffer | undefined>;

/**
 * Reads the headers of the next entry, wherever its bytes come from; undefined for the block of zeros that ends a tar
 * stream. Everything malformed is a BackupError.
 */
export function* readHeaders(): Reading<TarEntry | undefined> {
  let extensions: Extensions = { pax: [] };
  for (;;) {
    const header = parseTarHeader(yield* take(blockSize));
    if (header === undefined) return undefined;
    if (header.typeFlag === 'x') extensions = { ...extensions, pax: yield* readPax(header.size) };
    else if (header.typeFlag === 'g') refuseGlobal(yield* readPax(header.size));
    else if (header.typeFlag === 'L') extensions = { ...extensions, longPath: yield* readName(header.size) };
    else if (header.typeFlag === 'K') extensions = { ...extensions, longLink: yield* readName(header.size) };
    else return entryOf(header, extensions);
  }
}

function* readPax(size: number): Reading<PaxRecord[]> {
  return parsePax(yield* readExtension(size));
}

function* readName(size: number): Reading<BytePath> {
  return (yield* readExtension(size)).toString('latin1').replace(/\0+$/, '');
}

function* readExtension(size: number): Reading<Buffer> {
  if (size > maxExtensionBytes) throw new BackupError('an extended tar header is larger than 16 MiB');
  return (yield* take(size + paddingAfter(size))).subarray(0, size);
}

function* take(length: number): Reading<Buffer> {
  const bytes = yield length;
  if (bytes === undefined) throw cutOff();
  return bytes;
}

/** A global header would change every entry after it; `git archive` writes one that only comments. */
function refuseGlobal(records: readonly PaxRecord[]): void {
  const strange = records.find(([key]) => key !== 'comment');
  if (strange !== undefined) throw new BackupError(`a global PAX header sets "${strange[0]}", which is refused`);
}

/** A tar stream has fewer bytes than its headers say. */
export function cutOff(): BackupError {
  return new BackupError('the tar stream is cut off', {
    hint: 'The archive is damaged or was not written to its end.',
  });
}
