import { createHash } from 'node:crypto';
import { constants, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import { type Chunk, chunkHashOf, type Member } from './gzip-member.ts';
import { joined } from './own-memory.ts';

/** A range of bytes: `[start, length]`. */
export type Range = readonly [start: number, length: number];

/**
 * What is to become members that belong together: so many bytes, and where in them the contents of files lie. The last
 * bytes, as many as all chunks have, become a member for each chunk; what is before them, if anything, becomes one.
 */
export interface MemberPlan {
  readonly length: number;
  readonly contents: readonly Range[];
  /** Lengths of chunks of one file. */
  readonly chunks: readonly number[];
}

/** The bytes of plans, one after the other. */
export interface PackRequest {
  readonly data: Uint8Array;
  readonly plans: readonly MemberPlan[];
}

/** Bytes of an archive, and their sha256 (hex). */
export interface PackedPart {
  readonly length: number;
  readonly sha256: string;
}

/** What came of a plan. */
export interface PackedMembers {
  readonly member: Member | undefined;
  readonly chunks: readonly Chunk[];
  /** Their compressed bytes, all together. */
  readonly part: PackedPart;
  /** sha256 (hex) of each of the plan's contents. */
  readonly contents: readonly string[];
}

/** The compressed bytes, one plan's after the other. */
export interface PackResult {
  readonly bytes: Uint8Array;
  readonly packed: readonly PackedMembers[];
}

/** Level 5 packs text 6 % smaller than level 4 in a third more time, level 6 takes twice as long for 2 % more. */
export const level = 4;
/** Below this, storing instead of compressing saves nothing worth the trial. */
const triedFromBytes = 4 * 1024;
const sampleBytes = 4 * 1024;

/**
 * Hashes and compresses members; contents that do not compress are stored. Everything is unpacked again and compared
 * with what went in, so that what was packed can be unpacked. Synchronous: meant for threads that do nothing else.
 */
export function packMembers({ data, plans }: PackRequest): PackResult {
  const written: Uint8Array[] = [];
  const packed: PackedMembers[] = [];
  let start = 0;
  for (const plan of plans) {
    const bytes = data.subarray(start, start + plan.length);
    start += plan.length;
    const parts: Uint8Array[] = [];
    const { member, chunks } = packPlan(bytes, plan, parts);
    const contents = plan.contents.map(([from, length]) => sha256Of([bytes.subarray(from, from + length)]));
    packed.push({ member, chunks, part: { length: lengthOf(parts), sha256: sha256Of(parts) }, contents });
    written.push(...parts);
  }
  const bytes = joined(written);
  requireSame(bytes, data);
  return { bytes, packed };
}

/** Unpacks again what was packed. */
function requireSame(packed: Uint8Array, data: Uint8Array): void {
  if (gunzipSync(packed, { maxOutputLength: data.length + 1, ...roomFor(data.length) }).equals(data)) return;
  throw new Error('zlib packed what it does not unpack again: look at this machine’s memory');
}

/** What is packed goes to `parts`. */
function packPlan(
  bytes: Uint8Array,
  { contents, chunks }: MemberPlan,
  parts: Uint8Array[],
): Pick<PackedMembers, 'member' | 'chunks'> {
  const bodyLength = chunks.reduce((sum, length) => sum + length, 0);
  const [head, body] = [bytes.subarray(0, bytes.length - bodyLength), bytes.subarray(bytes.length - bodyLength)];
  parts.push(...piecesOf(head, chunks.length === 0 ? contents : []).map(packPiece));
  const member = head.length === 0 ? undefined : { compressedLength: lengthOf(parts), length: head.length };
  const isStored = isStoredContent(body);
  let start = 0;
  const packedChunks = chunks.map((length): Chunk => {
    const chunk = body.subarray(start, start + length);
    start += length;
    const packed = packPiece({ bytes: chunk, isStored });
    parts.push(packed);
    return { compressedLength: packed.length, length, sha256: chunkHashOf(chunk) };
  });
  return { member, chunks: packedChunks };
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly isStored: boolean;
}

/** A member's bytes, cut where contents that do not compress begin and end. */
function piecesOf(member: Uint8Array, contents: readonly Range[]): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  const add = (to: number, isStored: boolean): void => {
    if (to > end) pieces.push({ bytes: member.subarray(end, to), isStored });
    end = to;
  };
  for (const [start, length] of contents) {
    if (!isStoredContent(member.subarray(start, start + length))) continue;
    add(start, false);
    add(start + length, true);
  }
  add(member.length, false);
  return pieces;
}

function packPiece({ bytes, isStored }: Piece): Uint8Array {
  return isStored
    ? gzipSync(bytes, { level: constants.Z_NO_COMPRESSION, ...roomFor(bytes.length) })
    : gzipSync(bytes, { level, ...roomFor(bytes.length / 2) });
}

/** Room for most outputs at once, which zlib otherwise gathers from pieces of 16 KiB. */
function roomFor(length: number): { readonly chunkSize: number } {
  return { chunkSize: Math.ceil(length) + 64 };
}

function isStoredContent(content: Uint8Array): boolean {
  return content.length >= triedFromBytes && !isCompressible(content);
}

/**
 * Tried on 4 KiB of its middle. Most contents tell by how unevenly the first KiB of that is spread, which takes a
 * fraction of the time of compressing the sample; that decides the others.
 */
function isCompressible(content: Uint8Array): boolean {
  const start = Math.floor((content.length - sampleBytes) / 2);
  const sample = content.subarray(start, start + sampleBytes);
  return isUneven(sample.subarray(0, 1024)) || deflateRawSync(sample, { level: 1 }).length < sampleBytes * 0.97;
}

/** Whether two random bytes of the sample are the same twice as often as in noise. */
function isUneven(sample: Uint8Array): boolean {
  const counts = new Uint32Array(256);
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1;
  const pairs = counts.reduce((sum, count) => sum + count * count, 0);
  return pairs > (2 * sample.length ** 2) / 256;
}

function sha256Of(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
