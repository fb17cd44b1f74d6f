import { posix } from 'node:path';

/** Where a listed path goes, below the service's folder of the archive. */
export interface Place {
  readonly source: string;
  readonly as: string;
}

/**
 * `data/<last name>` for each path. Paths with the same last name would lie over each other: each of them gets its
 * whole path as one name, `data/srv-a-conf`. Undefined instead of a list when even those are the same.
 */
export function placesOf(paths: readonly string[]): readonly Place[] | undefined {
  const sources = paths.map((path) => posix.resolve(path));
  const lastNames = sources.map((source) => posix.basename(source) || 'root');
  const places = sources.map((source, index) => {
    const lastName = lastNames[index] ?? '';
    const isAlone = lastNames.filter((name) => name === lastName).length === 1;
    return { source, as: `data/${isAlone ? lastName : source.slice(1).replaceAll('/', '-')}` };
  });
  return new Set(places.map(({ as }) => as)).size === places.length ? places : undefined;
}
