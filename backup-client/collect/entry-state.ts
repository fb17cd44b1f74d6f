import { createHash } from 'node:crypto';
import type { BytePath } from '#common/archive/byte-path.ts';
import type { EntryStat } from '#common/archive/entry-stat.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { hasSeveralNames } from './hard-links.ts';

/** The number of the file system an entry lies on, the same from run to run. */
export type DeviceOf = (stat: EntryStat) => number | bigint;

/** The kernel's number, unless the source names its file system itself. */
export function deviceOf(fileSystemId: string | undefined): DeviceOf {
  if (fileSystemId === undefined) return ({ dev }) => dev;
  const named = createHash('sha256').update(fileSystemId).digest().readBigUInt64BE();
  return () => named;
}

/**
 * What tells one state of a file from another beyond what the index has of it: `<device> <inode> <ctime in ns>`. It never
 * goes into the archive.
 */
export type Identity = string;

function identityOf(stat: EntryStat, deviceOf: DeviceOf): Identity {
  return `${deviceOf(stat)} ${stat.ino} ${stat.ctimeNs}`;
}

/** A change within the granularity of a file system's clock would not be seen: such a young state is not trusted. */
const untrustedNs = 2_000_000_000n;

/** The identity of a state that was seen at a moment; undefined when it is too young to be told from a later one. */
export function trustedIdentity(stat: EntryStat, seenAtNs: bigint, deviceOf: DeviceOf): Identity | undefined {
  return stat.ctimeNs + untrustedNs < seenAtNs ? identityOf(stat, deviceOf) : undefined;
}

/**
 * All that must be the same of an entry for it not to be read again, as text. The size of a file with several names stands
 * only at its first one in an index, so the change time must do for it.
 */
export function stateAsWalked(place: BytePath, stat: EntryStat, deviceOf: DeviceOf): string {
  const { type, mode, uid, gid, mtimeNs } = stat;
  const size = type === 'file' && !hasSeveralNames(stat) ? stat.size : 0;
  return `${place}\0${type} ${mode} ${uid} ${gid} ${size} ${mtimeNs} ${identityOf(stat, deviceOf)}`;
}

/** The same text from an index and the identity that was noted beside it. */
export function stateAsIndexed(entry: IndexEntry, identity: Identity): string {
  const { path, uid, gid, mtimeNs, linked } = entry;
  const type = entry.type === 'hardlink' ? 'file' : entry.type;
  return `${path}\0${type} ${entry.mode} ${uid} ${gid} ${linked ? 0 : entry.size} ${mtimeNs} ${identity}`;
}
