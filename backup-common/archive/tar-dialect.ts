import { BackupError } from '../errors.ts';
import { type BytePath, escapeBytes } from './byte-path.ts';
import type { PaxRecord } from './pax.ts';
import { parseSeconds, type StoredType, type TarEntry } from './tar-entry.ts';
import type { TarHeader } from './tar-header.ts';

/** What the headers before an entry's own (PAX `x`, GNU `L` and `K`) say of it. */
export interface Extensions {
  readonly pax: readonly PaxRecord[];
  readonly longPath?: BytePath;
  readonly longLink?: BytePath;
}

const types: Readonly<Record<string, StoredType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'folder',
  '6': 'fifo',
};

const kept = /^(SCHILY\.acl\.(access|default)|SCHILY\.xattr\..+)$/;
const sparse = /^GNU\.sparse\.(size|numblocks|offset|numbytes)$/;
const understood = /^(path|linkpath|size|uid|gid|mtime)$/;
/** Known keys that carry nothing we restore. */
const harmless = /^(atime|ctime|uname|gname|comment|hdrcharset|LIBARCHIVE\..+|RHT\.security\.selinux)$/;

/**
 * One entry from its header and extensions, in one reading only: whatever two tar programs could understand
 * differently (unknown keys, other sparse formats, sizes on entries without content) is refused with a BackupError.
 */
export function entryOf(header: TarHeader, extensions: Extensions): TarEntry {
  const pax = new Map<string, string>();
  for (const [key, value] of extensions.pax) pax.set(key, value);
  const rawPath = pax.get('path') ?? extensions.longPath ?? header.path;
  const refuse = (why: string) => new BackupError(`archive entry "${escapeBytes(rawPath)}" ${why}`);
  for (const [key] of extensions.pax) {
    if (kept.test(key) || sparse.test(key) || understood.test(key) || harmless.test(key)) continue;
    throw refuse(`has the unknown PAX key "${escapeBytes(key)}"`);
  }
  const type = rawPath.endsWith('/') && header.typeFlag === '0' ? 'folder' : types[header.typeFlag];
  if (type === undefined) throw refuse(whyTypeIsRefused(header.typeFlag));
  const storedSize = numberOf(pax.get('size'), header.size, 'size', refuse);
  if (type !== 'file' && storedSize !== 0) throw refuse('has content although it is no file');
  const holes = sparseRecords(extensions.pax);
  if (holes.length > 0 && type !== 'file') throw refuse('has a sparse map although it is no file');
  const isLink = type === 'symlink' || type === 'hardlink';
  const link = pax.get('linkpath') ?? extensions.longLink ?? header.link;
  return {
    path: normalPath(rawPath),
    type,
    mode: header.mode,
    uid: numberOf(pax.get('uid'), header.uid, 'uid', refuse),
    gid: numberOf(pax.get('gid'), header.gid, 'gid', refuse),
    mtimeNs: mtimeOf(pax.get('mtime'), header.mtime, refuse),
    size: holes.length === 0 ? storedSize : sparseSize(holes, storedSize, refuse),
    storedSize,
    link: isLink ? (type === 'hardlink' ? normalPath(link) : link) : undefined,
    attributes: [...attributeRecords(extensions.pax), ...holes],
  };
}

type Refuse = (why: string) => BackupError;

function whyTypeIsRefused(flag: string): string {
  if (flag === '3' || flag === '4') return 'is a device node, which is never unpacked';
  if (flag === 'S') return "uses GNU's old sparse format, which is not supported";
  return `has the unknown type "${escapeBytes(flag)}"`;
}

/** Without leading `./` and trailing `/`; the archive's root is the empty path. */
function normalPath(path: BytePath): BytePath {
  const stripped = path.replace(/^(\.\/+)+/, '').replace(/\/+$/, '');
  return stripped === '.' ? '' : stripped === '' && path.startsWith('/') ? '/' : stripped;
}

function numberOf(text: string | undefined, otherwise: number, name: string, refuse: Refuse): number {
  if (text === undefined) {
    if (otherwise < 0) throw refuse(`has a negative ${name}`);
    return otherwise;
  }
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw refuse(`has a malformed ${name}`);
  return value;
}

function mtimeOf(text: string | undefined, seconds: number, refuse: Refuse): bigint {
  if (text === undefined) return BigInt(seconds) * 1_000_000_000n;
  const ns = parseSeconds(text);
  if (ns === undefined) throw refuse('has a malformed mtime');
  return ns;
}

/** ACLs and extended attributes, each key once (the last one counts), sorted. */
function attributeRecords(records: readonly PaxRecord[]): PaxRecord[] {
  const byKey = new Map(records.filter(([key]) => kept.test(key)));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The sparse map of format 0.0: size, number of blocks, then pairs of offset and length. */
function sparseRecords(records: readonly PaxRecord[]): PaxRecord[] {
  return records.filter(([key]) => sparse.test(key));
}

function sparseSize(map: readonly PaxRecord[], storedSize: number, refuse: Refuse): number {
  const [size, blocks, ...pairs] = map;
  const number = (record: PaxRecord | undefined, key: string): number => {
    if (record?.[0] !== `GNU.sparse.${key}`) throw refuse('has a malformed sparse map');
    return numberOf(record[1], 0, `sparse ${key}`, refuse);
  };
  const total = number(size, 'size');
  if (pairs.length !== 2 * number(blocks, 'numblocks')) throw refuse('has a malformed sparse map');
  let position = 0;
  let stored = 0;
  for (let index = 0; index < pairs.length; index += 2) {
    const offset = number(pairs[index], 'offset');
    const length = number(pairs[index + 1], 'numbytes');
    if (offset < position) throw refuse('has a sparse map that overlaps');
    position = offset + length;
    stored += length;
  }
  if (position > total || stored !== storedSize) throw refuse('has a sparse map that does not fit its content');
  return total;
}
