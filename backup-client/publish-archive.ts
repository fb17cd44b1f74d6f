import { chmod, lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { renameDurably } from '#common/atomic-file.ts';
import { withDirectoryLock } from '#common/directory-lock.ts';
import { BackupError, hasCode } from '#common/errors.ts';
import type { Stages } from '#common/run/stages.ts';
import type { BackUpTools } from './back-up-tools.ts';
import type { BaseArchive } from './base-archive.ts';
import type { ClientConfig } from './config.ts';
import { knownArchives } from './drop-folder.ts';
import { expiredArchives } from './expire-archives.ts';

/** A verified archive that is to get its name. */
interface Publication {
  readonly config: ClientConfig;
  /** Path of the archive, on the drop folder's file system. */
  readonly staged: string;
  readonly fileName: string;
  readonly base: BaseArchive;
  readonly stages: Stages;
  readonly tools: BackUpTools;
}

/** Under the shared lock, which the server looks at: the new name appears, old ones go. */
export async function publishArchive({ config, staged, fileName, base, stages, tools }: Publication): Promise<void> {
  const options = {
    ...config.lock,
    folder: config.baseBackupDir,
    program: 'local-backup',
    now: tools.now,
    sleep: tools.sleep,
    onWait: (holder: string) => tools.log.info({ holder }, 'waiting for the lock of the drop folder'),
  };
  await withDirectoryLock(options, async (lost) => {
    await giveToFetcher(staged, config);
    lost.throwIfAborted();
    await base.adopt(staged);
    await rename(staged, join(config.baseBackupDir, fileName));
    await expire(config, stages, tools);
  });
}

async function giveToFetcher(staged: string, config: ClientConfig): Promise<void> {
  const file = await open(staged, 'r');
  try {
    await file.chown(config.backupUser.id, config.backupGroup.id);
  } finally {
    await file.close();
  }
  await chmod(staged, 0o400);
}

async function rename(from: string, to: string): Promise<void> {
  const found = await lstat(to).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found !== undefined)
    throw new BackupError(`${to} is there already`, { hint: 'Two runs began in the same second; start again.' });
  await renameDurably(from, to);
}

async function expire(config: ClientConfig, stages: Stages, tools: BackUpTools): Promise<void> {
  for (const { path } of expiredArchives(await knownArchives(config), config.keepDays, tools.now())) {
    await rm(path, { force: true }).catch((error: Error) =>
      stages.warn(`the old archive ${path} could not be removed: ${error.message}`),
    );
    tools.log.info({ path }, 'expired archive removed');
  }
}
