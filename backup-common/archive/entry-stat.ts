import { type BigIntStats, lstatSync } from 'node:fs';
import type { EntryType } from './tar-entry.ts';

/**
 * What lstat tells of a file, folder or anything else, as far as a backup asks. Walks keep thousands of these, and Node's own
 * take three times the memory.
 */
export interface EntryStat {
  readonly type: Exclude<EntryType, 'hardlink'>;
  /** Permissions, with the set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  /** Bytes. */
  readonly size: number;
  /** Linux's 64-bit dev_t: of the file system, and of a device itself. */
  readonly dev: number;
  readonly rdev: number;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Undefined when nothing is there. Links are not followed. Throws the system's other errors. */
export function entryStat(path: string | Buffer): EntryStat | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && entryStatOf(stat);
}

export function entryStatOf(stat: BigIntStats): EntryStat {
  return {
    type: typeOf(stat),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    nlink: Number(stat.nlink),
    size: Number(stat.size),
    dev: Number(stat.dev),
    rdev: Number(stat.rdev),
    ino: stat.ino,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
  };
}

function typeOf(stat: BigIntStats): EntryStat['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isSocket()) return 'socket';
  return stat.isBlockDevice() ? 'block-device' : 'char-device';
}
