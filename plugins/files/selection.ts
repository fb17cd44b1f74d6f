import { lstatSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { bytePathOf } from '#common/archive/byte-path.ts';
import { BackupError } from '#common/errors.ts';
import { snapshotFolderName } from '../btrfs/btrfs-snapshot.ts';
import type { FilesOptions } from './files-schema.ts';
import { clashIn, type Place, placesOf } from './places.ts';
import { excludesInOptions } from './rsync-options.ts';
import { rsyncFilter, rulesOf } from './rsync-patterns.ts';

/** What a task saves, and what it leaves out. */
export interface Selection {
  readonly places: readonly Place[];
  /** For a path below a place (bytes as latin1, empty for the place itself): whether patterns leave it out. */
  leavesOut(place: Place, path: string, isFolder: boolean): boolean;
}

/** Throws a BackupError for two paths that would lie over each other. */
export function selectionOf(options: FilesOptions): Selection {
  const filter = rsyncFilter(rulesOf(excludeLines(options)));
  const listed = options.paths.map((path) => (typeof path === 'string' ? { path } : path));
  const places = placesOf(listed.map((path) => ({ ...path, optional: path.optional ?? options.optional })));
  requireApart(places);
  return { places, leavesOut: ({ source }, path, isFolder) => filter(nameInTransfer(source, path), isFolder) };
}

/** The patterns that count, as lines of rsync's `--exclude=`. Snapshots of ours are never saved. */
export function excludeLines(options: FilesOptions): readonly string[] {
  const lines = [...excludesInOptions(options.rsync_options), ...options.exclude];
  return [`${snapshotFolderName}/`, ...lines.slice(lines.lastIndexOf('!') + 1)];
}

/** Undefined for an optional path that is not there. */
export function statOf({ source, optional }: Place): Stats | undefined {
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

/**
 * A name as patterns see it. The root of the transfer is the folder that holds the listed path, as in
 * `rsync -a /srv/a/conf DEST/`: a pattern that begins with a slash begins with the listed path's last name.
 */
function nameInTransfer(source: string, below: string): string {
  return [bytePathOf(posix.basename(source)), below].filter((part) => part !== '').join('/');
}

function requireApart(places: readonly Place[]): void {
  const clash = clashIn(places);
  if (clash === undefined) return;
  const [one, other] = clash;
  throw new BackupError(`files: ${one.source} and ${other.source} would both be ${one.as} in the archive`, {
    hint: 'List each path once; give one of two a name of its own: {path: …, as: NAME}.',
  });
}
