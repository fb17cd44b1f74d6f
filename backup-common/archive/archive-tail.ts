import { damaged } from './gzip-member.ts';

/**
 * The last gzip member is empty and of fixed size; a gzip extra field (RFC 1952, 2.3.1.1) with the id `BK` tells
 * where the index lies. All offsets count from the archive's first byte.
 */
export interface ArchiveTail {
  /** Where the first block of the index begins. Everything before are the members of entries. */
  readonly blocksOffset: number;
  readonly factsOffset: number;
  readonly tableOffset: number;
  /** Where the table's member ends. */
  readonly tableEnd: number;
  /** sha256 (hex) of the unpacked facts and of the unpacked table. */
  readonly factsSha256: string;
  readonly tableSha256: string;
}

const formatVersion = 1;
const payloadLength = 2 + 4 * 8 + 2 * 32;
const headerLength = 10 + 2 + 4;
/** An empty raw deflate stream, CRC-32 0 and length 0. */
const emptyContent = Buffer.from([0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]);
export const tailLength = headerLength + payloadLength + emptyContent.length;

export function encodeTail(tail: ArchiveTail): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, payloadLength + 4, 0, 0x42, 0x4b, payloadLength, 0]);
  const payload = Buffer.alloc(payloadLength);
  payload.writeUInt16LE(formatVersion, 0);
  [tail.blocksOffset, tail.factsOffset, tail.tableOffset, tail.tableEnd].forEach((offset, index) => {
    payload.writeBigUInt64LE(BigInt(offset), 2 + index * 8);
  });
  payload.write(tail.factsSha256, 34, 'hex');
  payload.write(tail.tableSha256, 66, 'hex');
  return Buffer.concat([header, payload, emptyContent]);
}

/** Undefined when these last bytes are of an archive that was not made by this program. */
export function parseTail(bytes: Buffer, archiveName: string, archiveSize: number): ArchiveTail | undefined {
  if (bytes.length !== tailLength || bytes.readUInt32BE(0) !== 0x1f8b0804) return undefined;
  if (bytes.toString('latin1', 12, 14) !== 'BK' || bytes.readUInt16LE(14) !== payloadLength) return undefined;
  const payload = bytes.subarray(headerLength, headerLength + payloadLength);
  const version = payload.readUInt16LE(0);
  if (version !== formatVersion) throw damaged(archiveName, `has format version ${version}, we know ${formatVersion}`);
  const offsets = [0, 1, 2, 3].map((index) => Number(payload.readBigUInt64LE(2 + index * 8)));
  const [blocksOffset = 0, factsOffset = 0, tableOffset = 0, tableEnd = 0] = offsets;
  const isSorted = offsets.every((offset, index) => offset >= (offsets[index - 1] ?? 0));
  if (!isSorted || tableEnd > archiveSize - tailLength) {
    throw damaged(archiveName, 'names places for its index that it does not have');
  }
  const factsSha256 = payload.toString('hex', 34, 66);
  return {
    blocksOffset,
    factsOffset,
    tableOffset,
    tableEnd,
    factsSha256,
    tableSha256: payload.toString('hex', 66, 98),
  };
}
