import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '#common/atomic-file.ts';
import { hasCode } from '#common/errors.ts';
import type { Asset } from '#common/plugin/collector.ts';
import { assetId } from './coverage.ts';

/** When each uncovered asset was seen first, by its id: ISO 8601, UTC. */
export type SeenAssets = Readonly<Record<string, string>>;

/** What an audit found, set against the one before. */
export interface DatedAsset extends Asset {
  readonly since: string;
  /** No audit before has seen it, and there was one. */
  readonly isNew: boolean;
}

/** Gives each asset the time it was seen first. Those that are covered or gone by now are forgotten. */
export function dateAssets(assets: readonly Asset[], seen: SeenAssets | undefined, now: Date): readonly DatedAsset[] {
  return assets.map((asset) => {
    const since = seen?.[assetId(asset)];
    return { ...asset, since: since ?? now.toISOString(), isNew: seen !== undefined && since === undefined };
  });
}

/** What the last audit has written to `<stateDir>/uncovered.json`; undefined before the first one. */
export async function readSeenAssets(stateDir: string): Promise<SeenAssets | undefined> {
  try {
    return JSON.parse(await readFile(pathIn(stateDir), 'utf8')) as SeenAssets;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function saveSeenAssets(stateDir: string, assets: readonly DatedAsset[]): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const seen: SeenAssets = Object.fromEntries(assets.map((asset) => [assetId(asset), asset.since]));
  await writeFileAtomically(pathIn(stateDir), `${JSON.stringify(seen, null, 2)}\n`);
}

function pathIn(stateDir: string): string {
  return join(stateDir, 'uncovered.json');
}
