import { BackupError, hintOf, messagesOf } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { readMounts } from '../snapshots/mounts.ts';
import { runTool, toolFailure, tryTool } from '../snapshots/run-tool.ts';
import { isNameOf, snapshotName } from '../snapshots/snapshot-name.ts';
import {
  destroySnapshot,
  listOwnSnapshots,
  takeSnapshot as takeCommand,
  unmount,
  type ZfsSnapshot,
  zfsAdvice,
} from './zfs-commands.ts';
import { parsePairs } from './zfs-output.ts';

/** Decides what snapshot to take. Changes nothing. */
export function planSnapshot(
  dataset: string,
  recursive: boolean,
  context: Pick<RecoveryContext, 'service' | 'taskKey' | 'now'>,
): ZfsSnapshot {
  return { dataset, recursive, name: snapshotName(context), owner: ownerOf(context) };
}

/** Takes it, after removing what an earlier run of the same task has left on the same datasets. */
export async function takeSnapshot(snapshot: ZfsSnapshot, context: RecoveryContext): Promise<void> {
  await removeLeftovers(snapshot, context);
  await zfs(takeCommand(snapshot), `take a snapshot of ${snapshot.dataset}`, context);
}

/** Removes it where it is there and ours. One of the same name that somebody else made stays. */
export async function removeSnapshot(snapshot: ZfsSnapshot, context: RecoveryContext): Promise<void> {
  const { dataset, name, recursive } = snapshot;
  const own = await datasetsIn(snapshot, context);
  if (own.length === 0) return;
  await unmountAll(
    own.map((each) => `${each}@${name}`),
    context,
  );
  await zfs(destroySnapshot(`${dataset}@${name}`, recursive), `remove the snapshot ${dataset}@${name}`, context);
}

/** The datasets that the snapshot holds; none when it is not there. */
export async function datasetsIn(snapshot: ZfsSnapshot, context: RecoveryContext): Promise<readonly string[]> {
  const ending = `@${snapshot.name}`;
  return (await ownSnapshots(snapshot, context))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
}

/** Runs zfs, or a program that goes with it. */
export function zfs(
  command: Command,
  what: string,
  context: Pick<RecoveryContext, 'runner' | 'taskKey'>,
): Promise<string> {
  return runTool(command, what, context, zfsAdvice);
}

/** Those that the owner took on the dataset, or with `recursive` below it; none where there is no such dataset. */
async function ownSnapshots(
  snapshot: Pick<ZfsSnapshot, 'dataset' | 'recursive' | 'owner'>,
  context: RecoveryContext,
): Promise<readonly string[]> {
  const result = await tryTool(listOwnSnapshots(snapshot), context, zfsAdvice);
  if (/dataset does not exist/.test(result.stderr)) return [];
  if (result.exitCode !== 0) {
    throw toolFailure(result, `look for snapshots of ${snapshot.dataset}`, context, zfsAdvice);
  }
  return parsePairs(result.stdout).flatMap(([name, owner]) => (owner === snapshot.owner ? [name] : []));
}

/** What cannot be removed is told and left. */
async function removeLeftovers(snapshot: ZfsSnapshot, context: RecoveryContext): Promise<void> {
  for (const name of await ownSnapshots(snapshot, context)) {
    if (!isNameOf(context, name.split('@')[1] ?? '')) continue;
    try {
      await unmountAll([name], context);
      await zfs(destroySnapshot(name, false), `remove the snapshot ${name}`, context);
      context.warn(`${context.taskKey}: removed ${name}, which an interrupted run had left`);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      context.warn([...messagesOf(error), hintOf(error) ?? ''].join('; '));
    }
  }
}

/** What we mounted ourselves keeps a snapshot busy; what ZFS shows below `.zfs` it takes away itself. */
async function unmountAll(snapshots: readonly string[], context: RecoveryContext): Promise<void> {
  for (const { source, target } of await readMounts(context)) {
    if (!snapshots.includes(source) || target.includes('/.zfs/snapshot/')) continue;
    await zfs(unmount(target), `unmount ${target}`, context);
  }
}

function ownerOf({ service, taskKey }: Pick<RecoveryContext, 'service' | 'taskKey'>): string {
  return `${service.type}/${service.name}/${taskKey}`;
}
