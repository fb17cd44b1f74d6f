import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { SqliteOptions } from './sqlite-schema.ts';

/** A database and its place in the archive. */
export interface NamedDatabase {
  readonly path: string;
  /** Below the service's folder: `sqlite/<name>`. */
  readonly as: string;
}

/** The listed databases, each with a place of its own. Throws a BackupError when two would have the same one. */
export function namedDatabases(paths: SqliteOptions['paths']): readonly NamedDatabase[] {
  const databases = paths.map((listed) => {
    const { path, as = undefined } = typeof listed === 'string' ? { path: listed } : listed;
    return { path: posix.resolve(path), as: `sqlite/${as ?? posix.basename(path)}` };
  });
  for (const [index, { path, as }] of databases.entries()) {
    const twin = databases.slice(0, index).find((other) => other.as === as);
    if (twin === undefined) continue;
    throw new BackupError(`sqlite: ${twin.path} and ${path} would both be ${as} in the archive`, {
      hint: 'List each database once; give one of two a name of its own: {path: …, as: NAME}.',
    });
  }
  return databases;
}
