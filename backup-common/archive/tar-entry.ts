import { createHash } from 'node:crypto';
import type { BytePath } from './byte-path.ts';
import { encodePax, type PaxRecord } from './pax.ts';

export type StoredType = 'file' | 'folder' | 'symlink' | 'hardlink' | 'fifo';
/** Recorded in the index, never stored as tar entries. */
export type UnstoredType = 'char-device' | 'block-device' | 'socket';
export type EntryType = StoredType | UnstoredType;

/** What a tar header says of one entry, whatever its dialect. */
export interface TarEntry {
  readonly path: BytePath;
  readonly type: StoredType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Bytes of the file as a reader sees it; more than `storedSize` for a sparse file; 0 for what is no file. */
  readonly size: number;
  /** Bytes that follow the header in the archive. */
  readonly storedSize: number;
  /** Target of a symbolic link (raw), or path in the archive of a hard link's first name. */
  readonly link: BytePath | undefined;
  /** ACLs, extended attributes and the map of a sparse file, as PAX records in canonical order. */
  readonly attributes: readonly PaxRecord[];
}

/** 32 hex digits that differ when the ACLs, extended attributes or holes differ; undefined when there are none. */
export function attributesDigest(attributes: readonly PaxRecord[]): string | undefined {
  if (attributes.length === 0) return undefined;
  return createHash('sha256').update(encodePax(attributes)).digest('hex').slice(0, 32);
}

/** `seconds[.fraction]` without trailing zeros, the form of PAX and of the index. */
export function formatSeconds(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const absolute = ns < 0n ? -ns : ns;
  const fraction = String(absolute % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${sign}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The inverse; undefined when the text is no such number. */
export function parseSeconds(text: string): bigint | undefined {
  const match = /^(-?)(\d{1,18})(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, seconds = '', fraction = ''] = match;
  const ns = BigInt(seconds + fraction.padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}
