import { lstatSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { bytePathOf } from '#common/archive/byte-path.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext } from '#common/plugin/collector.ts';
import { type FilesOptions, filesSchema } from './files-schema.ts';
import { clashIn, type Place, placesOf } from './places.ts';
import { excludesInOptions } from './rsync-options.ts';
import { type RsyncFilter, rsyncFilter, rulesOf } from './rsync-patterns.ts';

/** Files and folders from the live tree, each to `data/<last name>`. */
export const filesCollector: Collector<FilesOptions> = {
  name: 'files',
  taskKeys: ['files'],
  phase: 'quiesced',
  schema: filesSchema,

  async check(options) {
    const leavesOut = filterOf(options);
    for (const place of placesIn(options)) {
      const stat = statOf(place);
      if (stat !== undefined && leavesOut(nameInTransfer(place.source), stat.isDirectory())) throw contradicted(place);
    }
  },

  async collect(options, context, archive) {
    const leavesOut = filterOf(options);
    for (const place of placesIn(options)) {
      if (!isThere(place, context)) continue;
      await archive.addTree({
        source: place.source,
        as: place.as,
        excludes: (path, isFolder) => leavesOut(nameInTransfer(place.source, path), isFolder),
      });
    }
  },
};

function filterOf(options: FilesOptions): RsyncFilter {
  return rsyncFilter(rulesOf([...excludesInOptions(options.rsync_options), ...options.exclude]));
}

function placesIn(options: FilesOptions): readonly Place[] {
  const listed = options.paths.map((path) => (typeof path === 'string' ? { path } : path));
  const places = placesOf(listed.map((path) => ({ ...path, optional: path.optional ?? options.optional })));
  const clash = clashIn(places);
  if (clash === undefined) return places;
  const [one, other] = clash;
  throw new BackupError(`files: ${one.source} and ${other.source} would both be ${one.as} in the archive`, {
    hint: 'List each path once; give one of two a name of its own: {path: …, as: NAME}.',
  });
}

/**
 * A name as patterns see it. The root of the transfer is the folder that holds the listed path, as in
 * `rsync -a /srv/a/conf DEST/`: a pattern that begins with a slash begins with the listed path's last name.
 */
function nameInTransfer(source: string, below = ''): string {
  return [bytePathOf(posix.basename(source)), below].filter((part) => part !== '').join('/');
}

function isThere(place: Place, context: CollectorContext): boolean {
  const stat = statOf(place);
  if (stat === undefined) context.warn(`files: ${place.source} is not there, and need not be`);
  else if (stat.isSymbolicLink()) {
    context.warn(`files: ${place.source} is a symbolic link; it is saved, what it points to is not`);
  }
  return stat !== undefined;
}

/** Undefined for an optional path that is not there. */
function statOf({ source, optional }: Place): Stats | undefined {
  const stat = lstat(source);
  if (stat !== undefined || optional) return stat;
  throw new BackupError(`files: ${source} does not exist`, {
    hint: 'Correct the path in service.yaml, or set optional: true if it need not be there.',
  });
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new BackupError(`files: cannot look at ${path}`, { cause, hint: 'Correct the path in service.yaml.' });
  }
}

/** rsync would copy nothing at all and say nothing. */
function contradicted({ source }: Place): BackupError {
  return new BackupError(`files: ${source} is listed in paths, and a pattern of exclude leaves all of it out`, {
    hint: 'Remove one of the two, or begin the pattern with the name of the folder that it is meant for.',
  });
}
