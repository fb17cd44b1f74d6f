import { lstatSync } from 'node:fs';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext, Coverage, ServiceArchive } from '#common/plugin/collector.ts';
import { type FilesOptions, filesSchema } from './files-schema.ts';
import { type FilesState, filesSnapshot, sourceIn } from './files-snapshot.ts';
import { bringUpToDate, requireOutside } from './mirror.ts';
import type { Place } from './places.ts';
import { excludeLines, selectionOf, statOf } from './selection.ts';
import { unitLinesFor } from './unit-lines.ts';

/** Files and folders, each to `data/<last name>`: from the live tree, from snapshots, or from a mirror. */
export const filesCollector: Collector<FilesOptions, FilesState> = {
  name: 'files',
  taskKeys: ['files'],
  phase: 'quiesced',
  schema: filesSchema,
  unitLines: unitLinesFor,
  snapshot: filesSnapshot,

  async check(options, context) {
    const { places, leavesOut } = selectionOf(options);
    for (const place of places) {
      const stat = statOf(place);
      if (stat !== undefined && leavesOut(place, '', stat.isDirectory())) throw contradicted(place);
    }
    if (options.via === undefined) {
      await filesSnapshot.plan(options, context);
      return;
    }
    if (options.snapshot !== 'none') throw bothWays();
    requireOutside(places, context.keptFolder);
  },

  async prepare(options, context) {
    if (options.via === undefined) return;
    const { places } = selectionOf(options);
    await bringUpToDate({ places, excludes: excludeLines(options) }, context);
  },

  async collect(options, context, archive, state) {
    for (const place of selectionOf(options).places) await addPlace(place, options, context, archive, state);
  },

  async coverage(options): Promise<Coverage> {
    return { assets: [], paths: selectionOf(options).places.map(({ source }) => source) };
  },
};

async function addPlace(
  place: Place,
  options: FilesOptions,
  context: CollectorContext,
  archive: ServiceArchive,
  state: FilesState | undefined,
): Promise<void> {
  const { leavesOut } = selectionOf(options);
  await sourceIn(state, place, context, async (source, fileSystemId) => {
    if (!isThere(place, source, context)) return;
    await archive.addTree({
      source,
      as: place.as,
      excludes: (path, isFolder) => leavesOut(place, path, isFolder),
      vanished: options.vanished,
      ...(source !== place.source && { standsFor: place.source }),
      ...(fileSystemId !== undefined && { fileSystemId }),
    });
  });
}

/** `source` is where the place is read from. */
function isThere(place: Place, source: string, context: CollectorContext): boolean {
  const stat = source === place.source ? statOf(place) : lstatSync(source, { throwIfNoEntry: false });
  if (stat === undefined) context.warn(`files: ${place.source} is not there, and need not be`);
  else if (stat.isSymbolicLink()) {
    context.warn(`files: ${place.source} is a symbolic link; it is saved, what it points to is not`);
  }
  return stat !== undefined;
}

/** rsync would copy nothing at all and say nothing. */
function contradicted({ source }: Place): BackupError {
  return new BackupError(`files: ${source} is listed in paths, and a pattern of exclude leaves all of it out`, {
    hint: 'Remove one of the two, or begin the pattern with the name of the folder that it is meant for.',
  });
}

function bothWays(): BackupError {
  return new BackupError('files: via: rsync and snapshot are two ways to stop a service for a short time only', {
    hint: 'Leave out via where all paths lie on ZFS or btrfs, else snapshot.',
  });
}
