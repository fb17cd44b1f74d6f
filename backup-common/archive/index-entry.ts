import { BackupError } from '../errors.ts';
import { type BytePath, escapeBytes, unescapeBytes } from './byte-path.ts';
import { attributesDigest, type EntryType, formatSeconds, parseSeconds, type TarEntry } from './tar-entry.ts';

/** One entry of the index: what was backed up, and enough to compare a tree or another index with it. */
export interface IndexEntry {
  readonly path: BytePath;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Bytes as a reader sees them; files only. */
  readonly size: number;
  /** Files only, hex. Of a sparse file: of its stored bytes in order; where they lie is in `attributes`. */
  readonly sha256: string | undefined;
  readonly link: BytePath | undefined;
  /** Digest of ACLs, extended attributes and sparse map. */
  readonly attributes: string | undefined;
  /** `<major>:<minor>` of a device. */
  readonly device: string | undefined;
  /** Hard links to this file may follow. */
  readonly linked: boolean;
  /** It changed while it was read, twice: its content may be mixed of old and new. */
  readonly unstable: boolean;
}

/** Devices and sockets are in the index only. */
export function isUnstored(entry: Pick<IndexEntry, 'type'>): boolean {
  return entry.type === 'char-device' || entry.type === 'block-device' || entry.type === 'socket';
}

/** Those of the entries that have a header in the archive. */
export function storedOf(entries: readonly IndexEntry[]): IndexEntry[] {
  return entries.filter((entry) => !isUnstored(entry));
}

/** What the index says beyond a tar header. */
export interface EntryFacts {
  readonly sha256?: string | undefined;
  readonly linked?: boolean;
  readonly unstable?: boolean;
}

export function indexEntryOf(entry: TarEntry, facts: EntryFacts = {}): IndexEntry {
  return {
    path: entry.path,
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeNs: entry.mtimeNs,
    size: entry.size,
    sha256: facts.sha256,
    link: entry.link,
    attributes: attributesDigest(entry.attributes),
    device: undefined,
    linked: facts.linked ?? false,
    unstable: facts.unstable ?? false,
  };
}

/** One line of the index, without its newline. Keys in fixed order, so that equal entries are equal lines. */
export function formatIndexEntry(entry: IndexEntry): string {
  return JSON.stringify({
    path: escapeBytes(entry.path),
    type: entry.type,
    mode: entry.mode.toString(8).padStart(4, '0'),
    uid: entry.uid,
    gid: entry.gid,
    mtime: formatSeconds(entry.mtimeNs),
    ...(entry.type === 'file' && { size: entry.size }),
    ...(entry.sha256 !== undefined && { sha256: entry.sha256 }),
    ...(entry.link !== undefined && { link: escapeBytes(entry.link) }),
    ...(entry.attributes !== undefined && { attributes: entry.attributes }),
    ...(entry.device !== undefined && { device: entry.device }),
    ...(entry.linked && { linked: true }),
    ...(entry.unstable && { unstable: true }),
  });
}

const types: ReadonlySet<string> = new Set<EntryType>([
  'file',
  'folder',
  'symlink',
  'hardlink',
  'fifo',
  'char-device',
  'block-device',
  'socket',
]);

type Line = Readonly<Record<string, unknown>>;

/** The inverse of `formatIndexEntry`, on a parsed line. Throws a BackupError when it is no such entry. */
export function parseIndexEntry(line: Line): IndexEntry {
  const path = unescapeBytes(textOf(line, 'path') ?? '');
  const type = textOf(line, 'type') ?? '';
  const mtimeNs = parseSeconds(textOf(line, 'mtime') ?? '');
  if (path === undefined || path === '') throw malformed(line, 'path');
  if (!isEntryType(type)) throw malformed(line, 'type');
  if (mtimeNs === undefined) throw malformed(line, 'mtime');
  const link = textOf(line, 'link');
  return {
    path,
    type,
    mode: Number.parseInt(textOf(line, 'mode', /^[0-7]{4}$/) ?? '0', 8),
    uid: numberOf(line, 'uid'),
    gid: numberOf(line, 'gid'),
    mtimeNs,
    size: type === 'file' ? numberOf(line, 'size') : 0,
    sha256: textOf(line, 'sha256', /^[0-9a-f]{64}$/),
    link: link === undefined ? undefined : unescapeBytes(link),
    attributes: textOf(line, 'attributes', /^[0-9a-f]{32}$/),
    device: textOf(line, 'device', /^\d+:\d+$/),
    linked: line.linked === true,
    unstable: line.unstable === true,
  };
}

function textOf(line: Line, key: string, pattern?: RegExp): string | undefined {
  const value = line[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || pattern?.test(value) === false) throw malformed(line, key);
  return value;
}

function numberOf(line: Line, key: string): number {
  const value = line[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(line, key);
  return value;
}

function isEntryType(text: string): text is EntryType {
  return types.has(text);
}

function malformed(line: Line, key: string): BackupError {
  const path = typeof line.path === 'string' ? ` of "${line.path}"` : '';
  return new BackupError(`the archive's index has a malformed ${key}${path}`);
}

/** An entry of an archive, for messages. */
export function whereIs(path: BytePath, archive: string): string {
  return `entry "${escapeBytes(path)}" of ${archive}`;
}

/** What differs between an entry as it is expected and as it was found, for messages; undefined when nothing does. */
export function differenceOf(expected: IndexEntry, found: IndexEntry): string | undefined {
  const keys = ['type', 'mode', 'uid', 'gid', 'mtimeNs', 'size', 'sha256', 'link', 'attributes'] as const;
  const different = keys.filter((key) => expected[key] !== found[key]);
  return different.length === 0 ? undefined : different.join(', ').replace('mtimeNs', 'mtime');
}
