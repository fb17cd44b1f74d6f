import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { BackupError, hasCode, hintOf, messagesOf } from '#common/errors.ts';
import type { CollectorContext, RecoveryContext } from '#common/plugin/collector.ts';
import { type Mount, mountOf } from '../snapshots/mounts.ts';
import { runTool } from '../snapshots/run-tool.ts';
import { isNameOf, snapshotName } from '../snapshots/snapshot-name.ts';
import { btrfsAdvice, deleteSubvolume, takeSnapshot } from './btrfs-commands.ts';
import type { Subvolume } from './subvolumes.ts';

/** A read-only snapshot of a subvolume, as plain data. */
export interface BtrfsSnapshot {
  readonly subvolume: string;
  /** Of the subvolume itself: the same for each snapshot of it. */
  readonly uuid: string;
  /** Where the snapshot is made. */
  readonly path: string;
}

/** Holds our snapshots; root's alone, on the subvolume's own file system. */
export const snapshotFolderName = '.backup-suite-snapshots';

/** Where the snapshots of a subvolume lie: beside it, or in it where it is mounted by itself or at the top. */
export function snapshotFolderOf(subvolume: string, mounts: readonly Mount[]): string {
  const beside = posix.dirname(subvolume);
  const isBeside = beside !== '/' && mountOf(beside, mounts)?.target === mountOf(subvolume, mounts)?.target;
  return posix.join(isBeside ? beside : subvolume, snapshotFolderName);
}

/** Decides where the snapshots go, the folder of each being given. Changes nothing. */
export function planSnapshots(
  subvolumes: readonly (Pick<Subvolume, 'path' | 'uuid'> & { readonly folder: string })[],
  context: Pick<RecoveryContext, 'service' | 'taskKey' | 'now'>,
): readonly BtrfsSnapshot[] {
  const name = snapshotName(context);
  return subvolumes.map(({ path, uuid, folder }, index) => ({
    subvolume: path,
    uuid,
    path: posix.join(folder, `${name}.${index}`),
  }));
}

/** Takes them, after removing what an earlier run of the same task has left in the same folders. */
export async function takeSnapshots(snapshots: readonly BtrfsSnapshot[], context: CollectorContext): Promise<void> {
  for (const folder of foldersOf(snapshots)) {
    await claimFolder(folder, context);
    await removeLeftovers(folder, context);
  }
  for (const { subvolume, path } of snapshots) {
    if (existsSync(path)) throw taken(path, context);
    await runTool(takeSnapshot(subvolume, path), `take a snapshot of ${subvolume}`, context, btrfsAdvice);
  }
}

/** Removes those that are there, and their folders when nothing else is in them. */
export async function removeSnapshots(snapshots: readonly BtrfsSnapshot[], context: RecoveryContext): Promise<void> {
  for (const { path } of snapshots) if (existsSync(path)) await remove(path, context);
  for (const folder of foldersOf(snapshots)) {
    if (existsSync(folder) && readdirSync(folder).length === 0) await rmdir(folder);
  }
}

async function remove(path: string, context: RecoveryContext): Promise<void> {
  await runTool(deleteSubvolume(path), `remove the snapshot ${path}`, context, btrfsAdvice);
}

/** What cannot be removed is told and left. */
async function removeLeftovers(folder: string, context: RecoveryContext): Promise<void> {
  const names = readdirSync(folder).filter((name) => isNameOf(context, name.replace(/\.\d+$/, '')));
  for (const path of names.map((name) => posix.join(folder, name))) {
    try {
      await remove(path, context);
      context.warn(`${context.taskKey}: removed ${path}, which an interrupted run had left`);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      context.warn([...messagesOf(error), hintOf(error) ?? ''].join('; '));
    }
  }
}

/** Makes it, or looks whether the one that is there can be trusted. */
async function claimFolder(folder: string, { taskKey }: RecoveryContext): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((cause: unknown) => {
    if (hasCode(cause, 'EEXIST')) return;
    throw new BackupError(`${taskKey}: cannot make ${folder} for snapshots`, {
      cause,
      hint: 'Its parent must be writable for root; in local-backup.service it needs the drop-in that "local-backup check" prints.',
    });
  });
  const stat = lstatSync(folder);
  if (stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o077) === 0) return;
  throw new BackupError(`${taskKey}: ${folder} is not root's alone`, {
    hint: 'Look who made it; remove it, or make it a folder of root with mode 0700.',
  });
}

function foldersOf(snapshots: readonly BtrfsSnapshot[]): readonly string[] {
  return [...new Set(snapshots.map(({ path }) => posix.dirname(path)))];
}

function taken(path: string, { taskKey }: RecoveryContext): BackupError {
  return new BackupError(`${taskKey}: ${path} is there already`, {
    hint: 'Another snapshot has its name; look at it, and remove it with "btrfs subvolume delete".',
  });
}
