import { BackupError } from '#common/errors.ts';

/** How much one archive may hold; what is left of the disk bounds the bytes. */
export interface TreeLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** Kept free on the file system of the trees, so that the server itself can go on. */
const reserveBytes = 256 * 1024 * 1024;
/** What a file system takes for an entry beside its content, roughly: an inode and a name. */
const bytesPerEntry = 512;

export function limitsFor(free: { readonly bytes: number; readonly inodes: number }, maxEntries: number): TreeLimits {
  const inodes = free.inodes === 0 ? maxEntries : free.inodes; // btrfs and others count none
  return { maxEntries: Math.min(maxEntries, inodes), maxBytes: Math.max(0, free.bytes - reserveBytes) };
}

/** Throws a BackupError as soon as an archive proves larger than it may be. */
export function checkLimits(limits: TreeLimits, entries: number, storedBytes: number): void {
  if (entries > limits.maxEntries) {
    throw new BackupError(`the archive has more than ${limits.maxEntries} entries`, {
      kind: 'hostile-archive',
      hint: 'If that is right, raise max_entries for this host (or make room for more inodes); else look at the client.',
    });
  }
  if (storedBytes + entries * bytesPerEntry > limits.maxBytes) {
    const needed = Math.ceil((storedBytes + entries * bytesPerEntry) / 1024 ** 2);
    const free = Math.floor(limits.maxBytes / 1024 ** 2);
    throw new BackupError(`the archive unpacks to ${needed} MiB or more, the server has room for ${free} MiB`, {
      kind: 'no-space',
      hint: 'Make room in local_temp_base_dir, or exclude on the client what need not be saved.',
    });
  }
}
