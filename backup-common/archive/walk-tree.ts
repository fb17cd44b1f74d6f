import { lstatSync, readdirSync } from 'node:fs';
import { hasCode } from '../errors.ts';
import { type BytePath, bytesOf } from './byte-path.ts';
import { type EntryStat, entryStat, entryStatOf } from './entry-stat.ts';

export interface WalkedEntry {
  /** Below the root, empty for the root itself. */
  readonly path: BytePath;
  readonly stat: EntryStat;
}

export interface WalkOptions {
  /** What is left out, with all below it. */
  readonly excludes?: (path: BytePath, isFolder: boolean) => boolean;
  /** Called for what was there when its folder was read and is not now. */
  readonly onVanished?: (path: BytePath) => void;
}

/**
 * The root and all below it in the order of `comparePaths`: a folder, then what is in it. Links are not followed.
 * Synchronous calls: 70,000 entries took 0.2 s, with promises several times that. Memory: the names of the folders on
 * the way down. Throws the system's error for what cannot be read.
 */
export function* walkTree(root: string, options: WalkOptions = {}): Generator<WalkedEntry> {
  const rootPath = bytesOf(Buffer.from(root).toString('latin1'));
  const stat = entryStatOf(lstatSync(rootPath, { bigint: true }));
  yield { path: '', stat };
  if (stat.type === 'folder') yield* walkFolder(rootPath, '', options);
}

function* walkFolder(root: Buffer, folder: BytePath, options: WalkOptions): Generator<WalkedEntry> {
  for (const name of namesIn(root, folder, options)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const stat = entryStat(join(root, path));
    if (stat === undefined) {
      options.onVanished?.(path);
      continue;
    }
    if (options.excludes?.(path, stat.type === 'folder') === true) continue;
    yield { path, stat };
    if (stat.type === 'folder') yield* walkFolder(root, path, options);
  }
}

function namesIn(root: Buffer, folder: BytePath, options: WalkOptions): BytePath[] {
  try {
    return readdirSync(join(root, folder), 'latin1').sort();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    options.onVanished?.(folder);
    return [];
  }
}

function join(root: Buffer, path: BytePath): Buffer {
  return path === '' ? root : Buffer.concat([root, slash, bytesOf(path)]);
}

const slash = Buffer.from('/');
