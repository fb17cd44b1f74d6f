import { posix } from 'node:path';

/** A path of the list; `as` is the name it was given for the archive. */
export interface ListedPath {
  readonly path: string;
  readonly as?: string;
  readonly optional?: boolean;
}

/** Where a listed path goes, below the service's folder of the archive. */
export interface Place {
  readonly source: string;
  readonly as: string;
  readonly optional: boolean;
}

/**
 * `data/<as>`, else `data/<last name>` for each path. Paths with the same last name would lie over each other: each of
 * them gets its whole path as one name, `data/srv-a-conf`. The root of the file system is called `root`.
 */
export function placesOf(paths: readonly ListedPath[]): readonly Place[] {
  const named = paths.map((listed) => {
    const source = posix.resolve(listed.path);
    return { ...listed, source, name: listed.as ?? lastNameOf(source) };
  });
  return named.map(({ source, as, name, optional = false }) => {
    const isAlone = named.filter((other) => other.name === name).length === 1;
    return { source, as: `data/${isAlone || as !== undefined ? name : wholeNameOf(source)}`, optional };
  });
}

/** Two places that are one and the same, if there are. */
export function clashIn(places: readonly Place[]): readonly [Place, Place] | undefined {
  for (const [index, place] of places.entries()) {
    const twin = places.slice(0, index).find(({ as }) => as === place.as);
    if (twin !== undefined) return [twin, place];
  }
  return undefined;
}

function lastNameOf(source: string): string {
  return posix.basename(source) || 'root';
}

function wholeNameOf(source: string): string {
  return source.slice(1).replaceAll('/', '-') || 'root';
}
