import type { Coverage, RecoveryContext } from '#common/plugin/collector.ts';
import { containerOf, mountsBelow } from './container.ts';
import type { ContainerOption } from './container-schema.ts';

export interface SavedDatabases {
  /** The kind of asset they are. */
  readonly kind: string;
  /** Their names as assets. */
  readonly names: readonly string[];
  /** Whether the server has nothing else. */
  readonly isAll: boolean;
  readonly container: ContainerOption | undefined;
  /** Where the server's image keeps its data. */
  readonly dataFolder: string;
}

/**
 * What dumps cover: on this machine the databases by name; of a container the volume with the server's data, when all in
 * it is dumped.
 */
export async function coverageOf(saved: SavedDatabases, context: RecoveryContext): Promise<Coverage> {
  const { kind, names, isAll, container, dataFolder } = saved;
  if (container === undefined) return { assets: names.map((name) => ({ kind, name })), paths: [] };
  if (!isAll) return { assets: [], paths: [] };
  return { assets: [], paths: await mountsBelow(dataFolder, await containerOf(container, context), context) };
}

/** A database of another port than the usual one carries the port: `5433/shop`. */
export function assetName(database: string, port: number | undefined, usualPort: number): string {
  return port === undefined || port === usualPort ? database : `${port}/${database}`;
}
