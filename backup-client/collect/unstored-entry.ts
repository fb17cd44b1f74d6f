import type { BytePath } from '#common/archive/byte-path.ts';
import type { EntryStat } from '#common/archive/entry-stat.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';

/** A device or a socket, for the index alone. */
export function unstoredEntry(path: BytePath, stat: EntryStat): IndexEntry {
  const { type, mode, uid, gid, mtimeNs } = stat;
  return {
    path,
    type,
    mode,
    uid,
    gid,
    mtimeNs,
    size: 0,
    sha256: undefined,
    link: undefined,
    attributes: undefined,
    device: type === 'socket' ? undefined : deviceNumber(stat.rdev),
    linked: false,
    unstable: false,
  };
}

/** Linux's 64-bit dev_t (sysmacros.h) as `<major>:<minor>`. */
function deviceNumber(device: number): string {
  const rdev = BigInt(device);
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
