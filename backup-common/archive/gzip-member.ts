import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createGunzip, gunzip, gunzipSync, gzip, gzipSync, type ZlibOptions } from 'node:zlib';
import { BackupError } from '../errors.ts';
import { level } from './pack-members.ts';

/** One gzip member of the archive: lengths in bytes. */
export interface Member {
  readonly compressedLength: number;
  readonly length: number;
}

/** A member that holds nothing but a part of a file, and perhaps tar's padding. */
export interface Chunk extends Member {
  /** Of what it unpacks to; see `chunkHashOf`. */
  readonly sha256: string;
}

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** What is smaller is done at once: handing it to a thread of zlib's and taking it back costs more. */
const threadFromBytes = 64 * 1024;

/** Compresses a part of the index, large ones on a thread of zlib's. */
export async function compressMember(data: Buffer): Promise<Buffer> {
  return data.length < threadFromBytes ? gzipSync(data, { level }) : compress(data, { level });
}

/** A member whose length depends on the length of its content only, so that it can be overwritten in place. */
export function storeMember(data: Buffer): Promise<Buffer> {
  return compress(data, { level: constants.Z_NO_COMPRESSION });
}

/** Unpacks one member and compares it with what the index says. `where` names it in messages. */
export async function openMember(compressed: Buffer, member: Member | Chunk, where: string): Promise<Buffer> {
  return requireMember(await unpackMember(compressed, member.length, where), member, where);
}

/** The same on this thread, whatever the member's length. */
export function openMemberSync(compressed: Uint8Array, member: Member | Chunk, where: string): Buffer {
  return requireMember(unpackMemberSync(compressed, member.length, where), member, where);
}

function requireMember(data: Buffer, member: Member | Chunk, where: string): Buffer {
  if (data.length !== member.length) throw damaged(where, 'is shorter than the index says');
  if ('sha256' in member && chunkHashOf(data) !== member.sha256)
    throw damaged(where, 'has another content than the index says');
  return data;
}

/** Unpacks one member to at most `maxLength` bytes. */
export async function unpackMember(compressed: Buffer, maxLength: number, where: string): Promise<Buffer> {
  if (maxLength < threadFromBytes) return unpackMemberSync(compressed, maxLength, where);
  return decompress(compressed, limitTo(maxLength)).catch((error: unknown) => {
    throw notOfLength(where, error);
  });
}

function unpackMemberSync(compressed: Uint8Array, maxLength: number, where: string): Buffer {
  try {
    return gunzipSync(compressed, limitTo(maxLength));
  } catch (error) {
    throw notOfLength(where, error);
  }
}

function limitTo(maxLength: number): ZlibOptions {
  return { maxOutputLength: Math.max(maxLength, 1), chunkSize: chunkSizeFor(maxLength) };
}

function notOfLength(where: string, cause: unknown): BackupError {
  return damaged(where, 'cannot be unpacked to the length the index says', cause);
}

/** Unpacks any sequence of gzip members; a BackupError when it is none or is cut off. */
export async function* gunzipped(compressed: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const input = Readable.from(compressed);
  input.on('error', (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  try {
    for await (const part of gunzip) yield part as Buffer;
  } catch (error) {
    if (error instanceof Error && 'errno' in error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw damaged(name, `is no intact gzip file (${error.message})`, error);
    }
    throw error;
  } finally {
    input.destroy();
    gunzip.destroy();
  }
}

/** Room for the whole content at once: by zlib's 16 KiB a time, a chunk of 1 MiB took half as long again. */
function chunkSizeFor(length: number): number {
  return Math.min(Math.max(length + 1, 64), 2 * 1024 * 1024);
}

export function sha256Of(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/**
 * By which chunks are known: the first 128 bits of the sha256, in hex. Half of it does not compress in the index, and the
 * whole file has a hash of full length.
 */
export function chunkHashOf(data: Uint8Array): string {
  return sha256Of(data).slice(0, 32);
}

export function damaged(where: string, why: string, cause?: unknown): BackupError {
  return new BackupError(`${where} ${why}`, {
    kind: 'damaged-archive',
    cause,
    hint: 'The archive is damaged or was not made by this program. A new run of the client makes a new one.',
  });
}
