import type { Command } from '#common/process/command.ts';
import type { Advice } from '../snapshots/run-tool.ts';

/** A snapshot of ours, as plain data. With `recursive` also one of the same name of each dataset below, all at once. */
export interface ZfsSnapshot {
  readonly dataset: string;
  readonly name: string;
  readonly recursive: boolean;
  /** The task it was taken for; a property on the snapshot says so, too. */
  readonly owner: string;
}

/** The columns of `listDatasets`. */
export const datasetColumns = ['name', 'guid', 'type', 'mounted', 'mountpoint', 'canmount', 'encryption', 'keystatus'];

/** Set on our snapshots; on one that was received from elsewhere it is not "local". */
const ownerProperty = 'backup-suite:task';

const lookMs = 2 * 60_000;
const changeMs = 5 * 60_000;

/** A dataset, with `recursive` also all below it; without a name all of this machine. */
export function listDatasets(dataset?: string, recursive = true): Command {
  const which = dataset === undefined ? [] : [...(recursive ? ['-r'] : []), dataset];
  return zfs(['list', '-H', '-p', '-t', 'filesystem,volume', '-o', datasetColumns.join(','), ...which], lookMs);
}

/** The snapshots of a dataset (with `recursive` also of those below) that this suite took here: name and owner. */
export function listOwnSnapshots({ dataset, recursive }: Pick<ZfsSnapshot, 'dataset' | 'recursive'>): Command {
  const depth = recursive ? ['-r'] : ['-d', '1'];
  const columns = ['-H', '-p', '-t', 'snapshot', '-s', 'local', '-o', 'name,value'];
  return zfs(['get', ...depth, ...columns, ownerProperty, dataset], lookMs);
}

export function takeSnapshot({ dataset, name, recursive, owner }: ZfsSnapshot): Command {
  const depth = recursive ? ['-r'] : [];
  return zfs(['snapshot', ...depth, '-o', `${ownerProperty}=${owner}`, `${dataset}@${name}`], changeMs);
}

export function destroySnapshot(snapshot: string, recursive: boolean): Command {
  return zfs(['destroy', ...(recursive ? ['-r'] : []), snapshot], changeMs);
}

/** For a dataset that is not mounted itself. */
export function mountSnapshot(snapshot: string, folder: string): Command {
  return { file: 'mount', args: ['-t', 'zfs', '-o', 'ro', snapshot, folder], timeoutMs: changeMs };
}

export function unmount(folder: string): Command {
  return { file: 'umount', args: ['--', folder], timeoutMs: changeMs };
}

/** What was set on a dataset itself: what a new one needs to be like it. */
export function listProperties(dataset: string): Command {
  return zfs(['get', '-H', '-p', '-s', 'local,received', '-o', 'property,value', 'all', dataset], lookMs);
}

/** With the GUIDs of the snapshots that they were made from. */
export function listBookmarks(dataset: string): Command {
  return zfs(['list', '-H', '-p', '-t', 'bookmark', '-d', '1', '-o', 'name,guid', dataset], lookMs);
}

export function makeBookmark(dataset: string, name: string): Command {
  return zfs(['bookmark', `${dataset}@${name}`, `${dataset}#${name}`], changeMs);
}

export function destroyBookmark(bookmark: string): Command {
  return zfs(['destroy', bookmark], changeMs);
}

/** As a full stream, or what came after a bookmark. Encrypted data stays so: a raw stream. */
export function sendSnapshot(
  snapshot: string,
  { base, isEncrypted }: { readonly base: string | undefined; readonly isEncrypted: boolean },
  timeoutMs: number,
): Command {
  const since = base === undefined ? [] : ['-i', base];
  return zfs(['send', '-L', ...(isEncrypted ? ['-w'] : []), ...since, snapshot], timeoutMs);
}

/** Reads a stream, compares its checksums and says what is in it. Its exit code says nothing of that. */
export const dumpStream: Command = { file: 'zstream', args: ['dump'] };

function zfs(args: readonly string[], timeoutMs: number): Command {
  return { file: 'zfs', args, timeoutMs };
}

export const zfsAdvice: Advice = {
  install: 'Install zfsutils-linux 2.0 or newer.',
  hints: [
    [
      /\/dev\/zfs|modules? /i,
      'Load the module (modprobe zfs); in local-backup.service it needs the drop-in that "local-backup check" prints.',
    ],
    [
      /permission denied|not permitted/i,
      'It needs root; in local-backup.service also the drop-in that "local-backup check" prints.',
    ],
    [/does not exist/, 'Compare with "zfs list"; a pool may have to be imported.'],
    [/already exists/, 'Look at the snapshot of that name; if nothing needs it, remove it with "zfs destroy".'],
    [
      /held|busy|dependent clones/,
      'See "zfs holds", "zfs list -t all -o name,origin" and "findmnt -t zfs" for what uses it.',
    ],
    [/took too long/, 'Look at the pool with "zpool status"; for a stream a longer timeout can be set.'],
    [/out of space|no space/i, 'Make room in the pool.'],
  ],
  otherwise: 'Try it by hand as root; "zpool status" and dmesg may say more.',
};

export const zfsUnitLines = ['PrivateDevices=no', 'CapabilityBoundingSet=CAP_SYS_ADMIN', 'SystemCallFilter=@mount'];
