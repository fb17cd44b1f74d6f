import { lstatSync, realpathSync, statfsSync } from 'node:fs';
import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { isWithin } from '../snapshots/mounts.ts';
import { runTool } from '../snapshots/run-tool.ts';
import { btrfsAdvice, listNested, showSubvolume } from './btrfs-commands.ts';

export interface Subvolume {
  /** Where it is seen. */
  readonly path: string;
  /** Its path from the top of the file system, empty for the top itself. */
  readonly fsPath: string;
  readonly uuid: string;
}

type Context = Pick<RecoveryContext, 'runner' | 'taskKey'>;

/** Throws a BackupError when the path is no subvolume. */
export async function subvolumeAt(path: string, context: Context): Promise<Subvolume> {
  const real = realPathOf(path, context);
  const output = await runTool(showSubvolume(real), `look at the subvolume ${path}`, context, btrfsAdvice);
  if (!isSubvolumeRoot(real)) throw noSubvolume(path, context);
  return { path: real, ...parseShown(output) };
}

/** The subvolume that holds a path, by its inode number: every subvolume's own folder has 256. Undefined elsewhere. */
export function subvolumeAround(path: string): string | undefined {
  for (let folder = path; isOnBtrfs(folder); folder = posix.dirname(folder)) {
    if (isSubvolumeRoot(folder)) return folder;
    if (folder === '/') return undefined;
  }
  return undefined;
}

/** The subvolumes below one that `take` says yes to, each followed by those in it. What is not taken is not entered. */
export async function subvolumesBelow(
  subvolume: Subvolume,
  context: Context,
  take: (nested: Subvolume) => boolean | Promise<boolean>,
): Promise<readonly Subvolume[]> {
  const found: Subvolume[] = [];
  for (const nested of await directlyBelow(subvolume, context)) {
    if (await take(nested)) found.push(nested, ...(await subvolumesBelow(nested, context, take)));
  }
  return found;
}

export async function directlyBelow(
  { path, fsPath }: Subvolume,
  context: Context,
  which: 'all' | 'read-only' = 'all',
): Promise<readonly Subvolume[]> {
  const what = `list the subvolumes below ${path}`;
  return parseListed(await runTool(listNested(path, which), what, context, btrfsAdvice))
    .filter((nested) => isWithin(nested.fsPath, fsPath) || fsPath === '')
    .map((nested) => ({ ...nested, path: posix.join(path, nested.fsPath.slice(fsPath.length)) }));
}

/** The path from the top of the file system is the first line, `/` for the top. */
export function parseShown(output: string): Pick<Subvolume, 'fsPath' | 'uuid'> {
  const [fsPath = ''] = output.split('\n');
  const [, uuid = ''] = /^\s*UUID:\s*(\S+)$/m.exec(output) ?? [];
  return { fsPath: fsPath === '/' ? '' : fsPath, uuid };
}

/** `ID 257 gen 7 top level 256 uuid 131a6521-… path data/cache`, a line for each. */
export function parseListed(output: string): readonly Pick<Subvolume, 'fsPath' | 'uuid'>[] {
  return [...output.matchAll(/^ID .* uuid (\S+) path (.+)$/gm)].map(([, uuid = '', fsPath = '']) => ({ uuid, fsPath }));
}

/** By the magic number of statfs(2). */
function isOnBtrfs(path: string): boolean {
  return statfsSync(path).type === 0x9123683e;
}

function isSubvolumeRoot(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.ino === 256;
}

function realPathOf(path: string, { taskKey }: Context): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    const hint = 'Correct the path in service.yaml, or mount the file system.';
    throw new BackupError(`${taskKey}: there is no ${path}`, { cause, hint });
  }
}

function noSubvolume(path: string, { taskKey }: Context): BackupError {
  return new BackupError(`${taskKey}: ${path} is a folder of a btrfs subvolume, no subvolume itself`, {
    hint: 'Name the subvolume, or save the folder with a files task and snapshot: btrfs.',
  });
}
