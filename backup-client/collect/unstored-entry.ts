import type { BytePath } from '#common/archive/byte-path.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { type Stat, typeOf } from './entry-state.ts';

/** A device or a socket, for the index alone. */
export function unstoredEntry(path: BytePath, stat: Stat): IndexEntry {
  const type = typeOf(stat);
  return {
    path,
    type,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeNs: stat.mtimeNs,
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
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
