import { BackupError } from '../errors.ts';
import type { BytePath } from './byte-path.ts';
import type { IndexEntry } from './index-entry.ts';
import { encodePax, type PaxRecord } from './pax.ts';
import { formatSeconds, type StoredType, type TarEntry } from './tar-entry.ts';

export const blockSize = 512;
const maxOctal7 = 0o7777777;
const maxOctal11 = 0o77777777777;

export function paddingAfter(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

/** The raw fields of one 512-byte header block (POSIX ustar, and GNU's base-256 numbers). */
export interface TarHeader {
  readonly path: BytePath;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly link: BytePath;
}

/** Reads a header block; undefined for a block of zeros. Throws a BackupError when its checksum is wrong. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return undefined;
  if (checksumOf(block) !== parseNumber(block, 148, 8)) {
    throw new BackupError('a tar header has a wrong checksum', { hint: 'The archive is damaged or no tar file.' });
  }
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? fieldOf(block, 345, 155) : '';
  const name = fieldOf(block, 0, 100);
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    typeFlag: block.toString('latin1', 156, 157),
    mode: parseNumber(block, 100, 8) & 0o7777,
    uid: parseNumber(block, 108, 8),
    gid: parseNumber(block, 116, 8),
    size: parseNumber(block, 124, 12),
    mtime: parseNumber(block, 136, 12),
    link: fieldOf(block, 157, 100),
  };
}

function fieldOf(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end < 0 || end > start + length ? start + length : end);
}

function parseNumber(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if (first & 0x80) return parseBase256(block.subarray(start, start + length));
  const text = fieldOf(block, start, length).trim();
  if (!/^[0-7]*$/.test(text)) throw new BackupError('a tar header holds a malformed number');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function parseBase256(bytes: Buffer): number {
  let value = bytes[0] === 0xff ? -1n : BigInt((bytes[0] ?? 0) & 0x7f);
  for (const byte of bytes.subarray(1)) value = (value << 8n) | BigInt(byte);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new BackupError('a tar header holds a number out of range');
  }
  return Number(value);
}

/** The sum of all bytes, with the checksum field itself read as blanks. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let index = 0; index < blockSize; index += 1) {
    if (index < 148 || index >= 156) sum += block[index] ?? 0;
  }
  return sum;
}

const typeFlags: Readonly<Record<StoredType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  folder: '5',
  fifo: '6',
};

/**
 * The one header form we write, on the client as well as on the server before unpacking: a ustar block, before it a
 * PAX header for just what ustar cannot hold, in fixed order. Equal entries give equal bytes.
 */
export function encodeTarEntry(entry: TarEntry): Buffer {
  const name = entry.type === 'folder' ? `${entry.path}/` : entry.path;
  const link = entry.link ?? '';
  const seconds = Number(entry.mtimeNs / 1_000_000_000n);
  const exactTime = entry.mtimeNs >= 0n && seconds <= maxOctal11 && entry.mtimeNs % 1_000_000_000n === 0n;
  const records: PaxRecord[] = [];
  if (name.length > 100) records.push(['path', name]);
  if (link.length > 100) records.push(['linkpath', link]);
  if (entry.storedSize > maxOctal11) records.push(['size', String(entry.storedSize)]);
  if (entry.uid > maxOctal7) records.push(['uid', String(entry.uid)]);
  if (entry.gid > maxOctal7) records.push(['gid', String(entry.gid)]);
  if (!exactTime) records.push(['mtime', formatSeconds(entry.mtimeNs)]);
  records.push(...entry.attributes);
  const header = encodeBlock({
    name,
    typeFlag: typeFlags[entry.type],
    mode: entry.mode,
    uid: Math.min(entry.uid, maxOctal7),
    gid: Math.min(entry.gid, maxOctal7),
    size: Math.min(entry.storedSize, maxOctal11),
    mtime: Math.max(0, Math.min(seconds, maxOctal11)),
    link,
  });
  return records.length === 0 ? header : Buffer.concat([...encodePaxEntry(records), header]);
}

/** A device node of the index, for our own restore only: archives never hold one. */
export function encodeDevice(entry: IndexEntry): Buffer {
  const [major = 0, minor = 0] = entry.device?.split(':').map(Number) ?? [];
  const header = encodeTarEntry({ ...entry, type: 'file', size: 0, storedSize: 0, attributes: [] });
  const block = header.subarray(-blockSize);
  block.write(entry.type === 'block-device' ? '4' : '3', 156, 'latin1');
  block.write(octal(major, 7), 329, 'latin1');
  block.write(octal(minor, 7), 337, 'latin1');
  writeChecksum(block);
  return header;
}

function encodePaxEntry(records: readonly PaxRecord[]): Buffer[] {
  const data = encodePax(records);
  const fields = { name: 'PaxHeaders/entry', typeFlag: 'x', mode: 0o644, uid: 0, gid: 0, mtime: 0, link: '' };
  return [encodeBlock({ ...fields, size: data.length }), data, Buffer.alloc(paddingAfter(data.length))];
}

interface BlockFields {
  readonly name: string;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly link: string;
}

function encodeBlock(fields: BlockFields): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(fields.name.slice(0, 100), 0, 'latin1');
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(fields.uid, 7), 108, 'latin1');
  block.write(octal(fields.gid, 7), 116, 'latin1');
  block.write(octal(fields.size, 11), 124, 'latin1');
  block.write(octal(fields.mtime, 11), 136, 'latin1');
  block.write(fields.typeFlag, 156, 'latin1');
  block.write(fields.link.slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  writeChecksum(block);
  return block;
}

function writeChecksum(block: Buffer): void {
  block.write(`${octal(checksumOf(block), 6)}\0 `, 148, 'latin1');
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** A header of `encodeTarEntry` with another size; its length stays. In base 256 (GNU) from 8 GiB on. */
export function withSize(header: Buffer, size: number): Buffer {
  const changed = Buffer.from(header);
  const block = changed.subarray(-blockSize);
  if (size <= maxOctal11) block.write(octal(size, 11), 124, 'latin1');
  else {
    block.writeBigUInt64BE(BigInt(size), 128);
    block.writeUInt32BE(0x80000000, 124);
  }
  writeChecksum(block);
  return changed;
}
