import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { CollectorContext, Snapshot } from '#common/plugin/collector.ts';
import { readMounts } from '../snapshots/mounts.ts';
import type { FilesOptions } from './files-schema.ts';
import { bringUpToDate, type MirrorRules, mirrorOf } from './mirror.ts';
import type { Place } from './places.ts';
import { excludeLines, selectionOf } from './selection.ts';
import {
  planVolumeSnapshots,
  removeVolumeSnapshots,
  takeVolumeSnapshots,
  type VolumeSnapshot,
  withVolumeSnapshot,
} from './volume-snapshots.ts';
import { placesOnVolumes } from './volumes.ts';

/** What the task reads from instead of the live tree. */
export type FilesState = MirrorState | VolumesState;

interface MirrorState extends MirrorRules {
  readonly type: 'mirror';
  readonly vanished: FilesOptions['vanished'];
}

interface VolumesState {
  readonly type: 'volumes';
  readonly snapshots: readonly VolumeSnapshot[];
  /** Each place that is read from one of them, by its number, at a path below its folder. */
  readonly places: readonly { readonly source: string; readonly snapshot: number; readonly below: string }[];
  readonly isComplete: boolean;
}

export const filesSnapshot: Snapshot<FilesOptions, FilesState> = {
  async plan(options, context) {
    const selection = selectionOf(options);
    const { places } = selection;
    const { snapshot: mode, vanished } = options;
    if (options.via === 'rsync') return { type: 'mirror', places, excludes: excludeLines(options), vanished };
    if (mode === 'none') return undefined;
    const mounts = await readMounts(context);
    const found = await placesOnVolumes(selection, mode, mounts, context);
    if (found.length === 0) return undefined;
    const volumes = [...new Map(found.map(({ volume }) => [volume.folder, volume])).values()];
    const snapshots = await planVolumeSnapshots(volumes, mounts, context);
    return {
      type: 'volumes',
      snapshots,
      places: found.map(({ source, volume, below }) => ({
        source,
        snapshot: snapshots.findIndex(({ folder }) => folder === volume.folder),
        below,
      })),
      isComplete: places.every(({ source, optional }) => optional || found.some((each) => each.source === source)),
    };
  },

  describe: (state) =>
    state.type === 'mirror'
      ? `a mirror of ${state.places.map(({ source }) => source).join(', ')}`
      : `a snapshot of ${state.snapshots.map(nameOf).join(', ')}`,

  async begin(state, context) {
    if (state.type === 'volumes') await takeVolumeSnapshots(state.snapshots, context);
    else tellVanished(await bringUpToDate(state, context), state, context);
  },

  /** A mirror stays, for the next time. */
  async end(state, context) {
    if (state.type === 'volumes') await removeVolumeSnapshots(state.snapshots, context);
  },

  isComplete: (state) => state.type === 'mirror' || state.isComplete,
};

/** Runs `fn` with the path at which a place is to be read, and what tells the file system of a snapshot apart. */
export async function sourceIn(
  state: FilesState | undefined,
  place: Place,
  context: CollectorContext,
  fn: (source: string, fileSystemId?: string) => Promise<void>,
): Promise<void> {
  if (state?.type === 'mirror') return fn(mirrorOf(place, context.keptFolder));
  const found = state?.places.find(({ source }) => source === place.source);
  const snapshot = found === undefined ? undefined : state?.snapshots[found.snapshot];
  if (found === undefined || snapshot === undefined) return fn(place.source);
  await withVolumeSnapshot(snapshot, context, (folder) => fn(posix.join(folder, found.below), snapshot.id));
}

function nameOf(snapshot: VolumeSnapshot): string {
  return snapshot.type === 'zfs' ? snapshot.zfs.dataset : snapshot.btrfs.subvolume;
}

function tellVanished(paths: readonly string[], { vanished }: MirrorState, context: CollectorContext): void {
  if (paths.length === 0) return;
  const shown = paths.slice(0, 5).join(', ');
  const message = `files: vanished while being mirrored: ${shown}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`;
  if (vanished === 'warn') context.warn(message);
  else
    throw new BackupError(message, {
      hint: 'Stop what removes files there during the backup, exclude the path, or set vanished: warn.',
    });
}
