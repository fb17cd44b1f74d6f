import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { runTool } from './run-tool.ts';

/** A file system as it is mounted. */
export interface Mount {
  /** Where it is seen. */
  readonly target: string;
  /** A device, or the name of a ZFS dataset. */
  readonly source: string;
  readonly fstype: string;
  /** Which folder of the file system is seen there: `/`, or another one for a bind mount or a btrfs subvolume. */
  readonly fsroot: string;
}

/** All mounts that this process sees, in the order in which they were made. */
export async function readMounts(context: Pick<RecoveryContext, 'runner' | 'taskKey'>): Promise<readonly Mount[]> {
  return parseMounts(
    await runTool(listMounts, 'list what is mounted', context, {
      install: 'Install util-linux.',
      hints: [],
      otherwise: 'Run "findmnt" by hand.',
    }),
  );
}

const listMounts: Command = {
  file: 'findmnt',
  args: ['--json', '--list', '--nofsroot', '--output', 'TARGET,SOURCE,FSTYPE,FSROOT'],
  timeoutMs: 30_000,
};

function parseMounts(json: string): readonly Mount[] {
  return (JSON.parse(json) as { readonly filesystems: readonly Mount[] }).filesystems;
}

/** The mount through which an absolute path is seen: the nearest one above it, and the last made of several there. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const around = mounts.filter(({ target }) => isWithin(path, target));
  const nearest = Math.max(...around.map(({ target }) => target.length));
  return around.filter(({ target }) => target.length === nearest).at(-1);
}

/** Where something else is mounted below a path. */
export function mountedBelow(path: string, mounts: readonly Mount[]): readonly string[] {
  return [...new Set(mounts.map(({ target }) => target).filter((target) => target !== path && isWithin(target, path)))];
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}
