import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { bytePathOf } from '#common/archive/byte-path.ts';
import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { subvolumeAround, subvolumeAt, subvolumesBelow } from '../btrfs/subvolumes.ts';
import { isWithin, type Mount, mountedBelow, mountOf } from '../snapshots/mounts.ts';
import type { Place } from './places.ts';
import { type Selection, statOf } from './selection.ts';

/** What a snapshot can be taken of, with the folder in which it is seen. */
export interface Volume {
  readonly type: 'zfs' | 'btrfs';
  /** The dataset, or the path of the subvolume. */
  readonly name: string;
  readonly folder: string;
}

/** A place on a volume, and the way to it from the volume's folder (no leading slash, empty for the folder itself). */
export interface PlacedOnVolume {
  readonly source: string;
  readonly volume: Volume;
  readonly below: string;
}

export type SnapshotMode = 'auto' | 'zfs' | 'btrfs';

type Context = Pick<RecoveryContext, 'runner' | 'taskKey'>;

/**
 * The places that can be read from a snapshot: with `auto` those on ZFS or btrfs of which a snapshot holds all, else every
 * place there is, or a BackupError.
 */
export async function placesOnVolumes(
  selection: Selection,
  mode: SnapshotMode,
  mounts: readonly Mount[],
  context: Context,
): Promise<readonly PlacedOnVolume[]> {
  const found: PlacedOnVolume[] = [];
  for (const place of selection.places) {
    if (statOf(place) === undefined) continue;
    const path = realPathOf(place.source);
    const volume = volumeOf(path, mounts);
    if (volume === undefined || (mode !== 'auto' && volume.type !== mode)) {
      if (mode !== 'auto') throw onOtherFileSystem(place, mode, mountOf(path, mounts));
      continue;
    }
    const missing = await missingIn(place, path, volume, selection, mounts, context);
    if (missing === undefined) {
      found.push({ source: place.source, volume, below: posix.relative(volume.folder, path) });
    } else if (mode !== 'auto') throw notInSnapshot(place, missing);
  }
  return found;
}

/** Undefined for other file systems, and for a folder of one that is mounted by itself. */
function volumeOf(path: string, mounts: readonly Mount[]): Volume | undefined {
  const mount = mountOf(path, mounts);
  if (mount?.fstype === 'zfs' && mount.fsroot === '/' && !mount.source.includes('@')) {
    return { type: 'zfs', name: mount.source, folder: mount.target };
  }
  if (mount?.fstype !== 'btrfs') return undefined;
  const subvolume = subvolumeAround(path);
  if (subvolume === undefined || !isWithin(subvolume, mount.target)) return undefined;
  return { type: 'btrfs', name: subvolume, folder: subvolume };
}

/** The first thing below a place that is saved and that a snapshot of its volume does not hold. */
async function missingIn(
  place: Place,
  path: string,
  volume: Volume,
  selection: Selection,
  mounts: readonly Mount[],
  context: Context,
): Promise<string | undefined> {
  const isSaved = (other: string) =>
    isWithin(other, path) && other !== path && !leavesOut(selection, place, path, other);
  const mounted = mountedBelow(path, mounts).find(isSaved);
  if (mounted !== undefined || volume.type === 'zfs') return mounted;
  const root = await subvolumeAt(volume.name, context);
  const isOnTheWay = ({ path: other }: { readonly path: string }) => isSaved(other) || isWithin(path, other);
  const nested = await subvolumesBelow(root, context, isOnTheWay);
  return nested.map((each) => each.path).find(isSaved);
}

/** Whether patterns leave out a folder below a place, or one on the way to it. */
function leavesOut(selection: Selection, place: Place, path: string, folder: string): boolean {
  const names = bytePathOf(posix.relative(path, folder)).split('/');
  return names.some((_name, index) => selection.leavesOut(place, names.slice(0, index + 1).join('/'), true));
}

/** Links on the way are followed, a link that is listed itself is not. */
function realPathOf(path: string): string {
  return posix.join(realpathSync(posix.dirname(path)), posix.basename(path));
}

function onOtherFileSystem({ source }: Place, mode: SnapshotMode, mount: Mount | undefined): BackupError {
  const where = mount === undefined ? '' : `: it lies on ${mount.fstype}, mounted at ${mount.target}`;
  return new BackupError(`files: no snapshot by ${mode} can be taken of ${source}${where}`, {
    hint: 'Set snapshot: auto, which reads such a path as it is, or give it a service of its own.',
  });
}

function notInSnapshot({ source }: Place, missing: string): BackupError {
  const name = posix.join('/', posix.basename(source), posix.relative(source, missing));
  return new BackupError(`files: no snapshot of ${source} holds ${missing}, which is a file system of its own`, {
    hint: `Add "${name}" to exclude and list ${missing} by itself, or use the task zfs or btrfs with recursive: true.`,
  });
}
