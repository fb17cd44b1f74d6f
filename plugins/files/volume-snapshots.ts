import type { CollectorContext, RecoveryContext } from '#common/plugin/collector.ts';
import {
  type BtrfsSnapshot,
  planSnapshots as planBtrfs,
  removeSnapshots as removeBtrfs,
  snapshotFolderOf,
  takeSnapshots as takeBtrfs,
} from '../btrfs/btrfs-snapshot.ts';
import { subvolumeAt } from '../btrfs/subvolumes.ts';
import type { Mount } from '../snapshots/mounts.ts';
import { withSnapshotFolder } from '../zfs/snapshot-folder.ts';
import { listDatasets, type ZfsSnapshot } from '../zfs/zfs-commands.ts';
import { parseDatasets } from '../zfs/zfs-output.ts';
import {
  planSnapshot as planZfs,
  removeSnapshot as removeZfs,
  takeSnapshot as takeZfs,
  zfs,
} from '../zfs/zfs-snapshot.ts';
import type { Volume } from './volumes.ts';

/** A snapshot of a volume, as plain data; `id` tells the volume's file system apart for good. */
export type VolumeSnapshot = { readonly folder: string; readonly id: string } & (
  | { readonly type: 'zfs'; readonly zfs: ZfsSnapshot }
  | { readonly type: 'btrfs'; readonly btrfs: BtrfsSnapshot }
);

/** Decides what snapshots to take, one of each volume. Changes nothing. */
export async function planVolumeSnapshots(
  volumes: readonly Volume[],
  mounts: readonly Mount[],
  context: CollectorContext,
): Promise<readonly VolumeSnapshot[]> {
  const planned: VolumeSnapshot[] = [];
  const subvolumes = [];
  for (const { type, name, folder } of volumes) {
    if (type === 'zfs') {
      const [dataset] = parseDatasets(await zfs(listDatasets(name, false), `look at ${name}`, context));
      planned.push({ type, folder, id: dataset?.guid ?? name, zfs: planZfs(name, false, context) });
    } else subvolumes.push({ ...(await subvolumeAt(name, context)), folder: snapshotFolderOf(name, mounts) });
  }
  const btrfs = planBtrfs(subvolumes, context).map((snapshot): VolumeSnapshot => {
    const { subvolume, uuid } = snapshot;
    return { type: 'btrfs', folder: subvolume, id: uuid, btrfs: snapshot };
  });
  return [...planned, ...btrfs];
}

export async function takeVolumeSnapshots(
  snapshots: readonly VolumeSnapshot[],
  context: CollectorContext,
): Promise<void> {
  for (const each of snapshots) if (each.type === 'zfs') await takeZfs(each.zfs, context);
  await takeBtrfs(btrfsIn(snapshots), context);
}

export async function removeVolumeSnapshots(
  snapshots: readonly VolumeSnapshot[],
  context: RecoveryContext,
): Promise<void> {
  for (const each of snapshots) if (each.type === 'zfs') await removeZfs(each.zfs, context);
  await removeBtrfs(btrfsIn(snapshots), context);
}

/** Runs `fn` with the folder in which the snapshot is seen. */
export async function withVolumeSnapshot<T>(
  snapshot: VolumeSnapshot,
  context: CollectorContext,
  fn: (folder: string) => Promise<T>,
): Promise<T> {
  if (snapshot.type === 'btrfs') return fn(snapshot.btrfs.path);
  const { dataset, name } = snapshot.zfs;
  return withSnapshotFolder({ name: dataset, isMounted: true, mountpoint: snapshot.folder }, name, context, fn);
}

function btrfsIn(snapshots: readonly VolumeSnapshot[]): readonly BtrfsSnapshot[] {
  return snapshots.flatMap((each) => (each.type === 'btrfs' ? [each.btrfs] : []));
}
