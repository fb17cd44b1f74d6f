/** What a manifest says of a file beside it. */
export interface ManifestFile {
  readonly fileName: string;
  readonly size: number | undefined;
}

export interface Manifest {
  readonly files: readonly ManifestFile[];
  /** The names of buckets (version 2) or databases (version 1) of which there is something. */
  readonly sources: readonly string[];
}

/**
 * Reads a manifest of `influx backup` or of `influxd backup -portable`: both name each file as a map with `fileName`, at
 * different depths in each version. Undefined when it is none.
 */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const maps = [...mapsIn(JSON.parse(text))];
    const textsOf = (key: string) => maps.map((map) => map[key]).filter((value) => typeof value === 'string');
    const files = maps.flatMap(({ fileName, size }) =>
      typeof fileName === 'string' && fileName !== ''
        ? [{ fileName, size: typeof size === 'number' ? size : undefined }]
        : [],
    );
    return { files, sources: [...new Set([...textsOf('bucketName'), ...textsOf('database')])] };
  } catch {
    return undefined;
  }
}

function* mapsIn(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const below of Object.values(value)) yield* mapsIn(below);
}
