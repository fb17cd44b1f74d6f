import { lstatSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { bytePathOf } from '#common/archive/byte-path.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext } from '#common/plugin/collector.ts';
import { type FilesOptions, filesSchema } from './files-schema.ts';
import { type Place, placesOf } from './places.ts';
import { rulesInOptions } from './rsync-options.ts';
import { parseRule, rsyncFilter } from './rsync-patterns.ts';

/** Files and folders from the live tree, each to `data/<last name>`. */
export const filesCollector: Collector<FilesOptions> = {
  name: 'files',
  taskKeys: ['files'],
  phase: 'quiesced',
  schema: filesSchema,

  async check(options, context) {
    rulesInOptions(options.rsync_options);
    for (const place of placesIn(options)) statOrWarn(place, options, context);
  },

  async collect(options, context, archive) {
    const rules = [...rulesInOptions(options.rsync_options), ...options.exclude.map(parseRule)];
    for (const place of placesIn(options)) {
      const stat = statOrWarn(place, options, context);
      if (stat === undefined) continue;
      if (stat.isSymbolicLink())
        context.warn(`${place.source} is a symbolic link; it is saved, what it points to is not`);
      const filter = rsyncFilter(rules);
      const root = bytePathOf(posix.basename(place.source)); // patterns that begin with "/" count from the listed path
      await archive.addTree({
        ...place,
        excludes: (path, isFolder) => filter(path === '' ? root : `${root}/${path}`, isFolder),
      });
    }
  },
};

function placesIn(options: FilesOptions): readonly Place[] {
  const places = placesOf(options.paths.map(pathOf));
  if (places !== undefined) return places;
  throw new BackupError('files: two of the paths would have the same name in the archive', {
    hint: 'Is one listed twice? Else list a folder that holds both.',
  });
}

type ListedPath = FilesOptions['paths'][number];

function pathOf(listed: ListedPath): string {
  return typeof listed === 'string' ? listed : listed.path;
}

/** Undefined, with a warning, for an optional path that is not there. */
function statOrWarn(place: Place, options: FilesOptions, context: CollectorContext): Stats | undefined {
  const stat = lstatSync(place.source, { throwIfNoEntry: false });
  if (stat !== undefined) return stat;
  const listed = options.paths.find((path) => posix.resolve(pathOf(path)) === place.source);
  const isOptional = options.optional || (typeof listed === 'object' && listed.optional === true);
  if (!isOptional) {
    throw new BackupError(`files: ${place.source} does not exist`, {
      hint: 'Correct the path in service.yaml, or set optional: true if it need not be there.',
    });
  }
  context.log.info({ path: place.source }, 'optional path is not there');
  return undefined;
}
