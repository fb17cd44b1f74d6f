import { existsSync, statfsSync } from 'node:fs';
import { posix } from 'node:path';
import { btrfsUnitLines } from '../btrfs/btrfs-commands.ts';
import { subvolumeAround } from '../btrfs/subvolumes.ts';
import { zfsUnitLines } from '../zfs/zfs-commands.ts';
import type { FilesOptions } from './files-schema.ts';

/** A mirror has the owners, rights and attributes of what it mirrors, setuid bits and devices among them. */
const rsyncLines = [
  'CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_FSETID CAP_MKNOD CAP_SETFCAP CAP_SYS_ADMIN',
  'RestrictSUIDSGID=no',
];

/** What the task needs of the unit, by the file systems on which its paths lie. */
export function unitLinesFor({ paths, snapshot, via }: FilesOptions): readonly string[] {
  if (via === 'rsync') return rsyncLines;
  if (snapshot === 'none') return [];
  const there = paths.map((path) => (typeof path === 'string' ? path : path.path)).filter((path) => existsSync(path));
  const lines = there.flatMap((path) => {
    if (statfsSync(path).type === zfsMagic) return zfsUnitLines;
    const subvolume = subvolumeAround(posix.resolve(path));
    return subvolume === undefined ? [] : btrfsUnitLines(subvolume);
  });
  return [...new Set(lines)];
}

/** Of statfs(2). */
const zfsMagic = 0x2fc12fc1;
