import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openArchiveIndex } from '#common/archive/archive-index.ts';
import { parseArchiveName } from '#common/archive/archive-name.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { BackupError, hasCode } from '#common/errors.ts';
import type { ClientConfig } from './config.ts';
import type { Service } from './discover.ts';
import type { KnownArchive } from './expire-archives.ts';

const doneName = 'done';
/** Root's own place in the drop folder, on the same file system. */
export const stagingName = '.staging';

/** Where tasks keep what they need from run to run, such as mirrors: root's, on the drop folder's file system. */
export function keptFolderOf(config: ClientConfig): string {
  return join(config.baseBackupDir, '.kept');
}

/**
 * Gives the drop folder its rights: root's, the fetching group may enter, read and add names (1770), and because of the
 * sticky bit touches only what is its own. `done/` belongs to the fetching account, staging to root alone.
 */
export async function prepareDropFolder(config: ClientConfig): Promise<void> {
  const { baseBackupDir: folder, backupUser: user, backupGroup: group } = config;
  await claimFolder(folder, 0, group.id, 0o1770);
  await claimFolder(join(folder, doneName), user.id, group.id, 0o770);
  await claimFolder(join(folder, stagingName), 0, 0, 0o700);
  await claimFolder(keptFolderOf(config), 0, 0, 0o700);
}

/** Through a handle, so that nobody can put a link in the place of the folder between look and change. */
async function claimFolder(path: string, uid: number, gid: number, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  try {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await folder.chown(uid, gid);
      await folder.chmod(mode);
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw new BackupError(`cannot use the folder ${path}`, {
      cause: error,
      hint: 'It must be a real folder, no link, on a file system with owners and rights.',
    });
  }
}

/** Removes what a run that was killed left in the staging folder. Called with the instance lock held. */
export async function emptyStaging(config: ClientConfig): Promise<readonly string[]> {
  const staging = join(config.baseBackupDir, stagingName);
  const names = await readdir(staging).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  for (const name of names) await rm(join(staging, name), { recursive: true, force: true });
  return names;
}

/** Removes what tasks had kept that are not configured any more. */
export async function removeUnusedKept(config: ClientConfig, services: readonly Service[]): Promise<readonly string[]> {
  const root = keptFolderOf(config);
  const used = new Set(services.flatMap(({ type, name, tasks }) => tasks.map(({ key }) => join(type, name, key))));
  const removed: string[] = [];
  for (const type of await readdir(root)) {
    for (const name of await readdir(join(root, type))) {
      for (const key of await readdir(join(root, type, name))) {
        if (used.has(join(type, name, key))) continue;
        removed.push(join(root, type, name, key));
      }
    }
  }
  for (const path of removed) await rm(path, { recursive: true, force: true });
  return removed;
}

/** Every archive of this host, also those the server has moved to `done/`. One that cannot be read is not complete. */
export async function knownArchives(config: ClientConfig): Promise<readonly KnownArchive[]> {
  const places = [
    { folder: config.baseBackupDir, isOurs: true },
    { folder: join(config.baseBackupDir, doneName), isOurs: false },
  ];
  const archives: KnownArchive[] = [];
  for (const { folder, isOurs } of places) {
    for (const fileName of await readdir(folder).catch(() => [])) {
      const name = parseArchiveName(config.hostname, fileName);
      const path = join(folder, fileName);
      if (name === undefined || !(await lstat(path)).isFile()) continue;
      archives.push({ path, time: name.time, isComplete: await isComplete(path), isOurs });
    }
  }
  return archives;
}

async function isComplete(path: string): Promise<boolean> {
  try {
    const source = await openFileSource(path);
    try {
      const index = await openArchiveIndex(source);
      return index?.facts.services.every(({ outcome }) => outcome === 'ok' || outcome === 'warning') ?? false;
    } finally {
      await source.close();
    }
  } catch {
    return false;
  }
}
