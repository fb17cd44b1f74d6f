import type { BigIntStats } from 'node:fs';
import { lstat, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { BackupError, hasCode } from './errors.ts';
import { type Holder, type Taking, takeOwnerFile } from './owner-file.ts';

/** The name both sides know; a directory, so that it is made in one step, and empty. */
export const lockName = '.backup_archive_in_progress.lock';
/** Beside it: who holds it. Readable for the server, for messages only. */
export const lockOwnerName = `${lockName}.owner`;
/** The holder moves the lock's mtime this often; one that has not moved for `lockStaleMs` belongs to nobody. */
export const lockUpdateMs = 10_000;
export const lockStaleMs = 60_000;

export interface DirectoryLockOptions {
  readonly folder: string;
  readonly program: string;
  readonly retries: number;
  readonly retryIntervalMs: number;
  readonly now: () => Date;
  /** Waits between attempts; rejects when the run is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly onWait?: (holder: string) => void;
}

/**
 * Runs `fn` while this process holds the drop folder's lock, which says to the server: names are changing here. The
 * signal given to `fn` aborts when the lock is lost while it runs.
 *
 * The owner's file is taken before the directory and given back after it, so that the directory beside the file of a
 * process that has ended is nobody's and does not have to be waited for.
 */
export async function withDirectoryLock<T>(
  options: DirectoryLockOptions,
  fn: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const release = await take(options, lost);
  try {
    return await fn(lost.signal);
  } finally {
    await release();
  }
}

/** Removes the lock of a process that has ended, and says whether there was one. A lock that is held stays. */
export async function removeDeadLock(
  options: Pick<DirectoryLockOptions, 'folder' | 'program' | 'now'>,
): Promise<boolean> {
  const path = join(options.folder, lockOwnerName);
  if ((await lstat(path).catch(() => undefined)) === undefined) return false;
  const owner = await takeOwner(options);
  if (owner.type === 'held') return false;
  if (owner.wasLeftBehind) await rm(join(options.folder, lockName), { recursive: true, force: true });
  await owner.release();
  return owner.wasLeftBehind;
}

type Release = () => Promise<void>;

async function take(options: DirectoryLockOptions, lost: AbortController): Promise<Release> {
  for (let attempt = 0; ; attempt += 1) {
    const attempted = await tryLock(options, lost);
    if (attempted.type === 'taken') return attempted.release;
    if (attempt >= options.retries) throw held(options, attempted.holder);
    options.onWait?.(attempted.holder);
    await options.sleep(options.retryIntervalMs);
  }
}

type Attempt =
  | { readonly type: 'taken'; readonly release: Release }
  | { readonly type: 'held'; readonly holder: string };

async function tryLock(options: DirectoryLockOptions, lost: AbortController): Promise<Attempt> {
  const { folder } = options;
  const owner = await takeOwner(options);
  if (owner.type === 'held') return { type: 'held', holder: describe(owner.holder) };
  try {
    if (owner.wasLeftBehind) await rm(join(folder, lockName), { recursive: true, force: true });
    const release = await makeDirectory(folder, lost);
    if (release !== undefined) return { type: 'taken', release: () => release().finally(owner.release) };
  } catch (error) {
    await owner.release();
    throw error;
  }
  await owner.release();
  return { type: 'held', holder: await describeUnknown(folder) };
}

function takeOwner({
  folder,
  program,
  now,
}: Pick<DirectoryLockOptions, 'folder' | 'program' | 'now'>): Promise<Taking> {
  return takeOwnerFile(join(folder, lockOwnerName), { program, since: now().toISOString() }, 0o644);
}

/** Undefined when the directory is there and fresh. */
async function makeDirectory(folder: string, lost: AbortController): Promise<Release | undefined> {
  const path = join(folder, lockName);
  try {
    const release = await lockfile.lock(folder, {
      lockfilePath: path,
      realpath: false,
      stale: lockStaleMs,
      update: lockUpdateMs,
      onCompromised: (error) => lost.abort(new BackupError('the lock of the drop folder was lost', { cause: error })),
    });
    const made = await stat(path, { bigint: true });
    return () => removeDirectory(folder, made, release, lost.signal);
  } catch (error) {
    if (hasCode(error, 'ELOCKED')) return undefined;
    throw new BackupError(`cannot make the lock ${path}`, {
      cause: error,
      hint: 'Look at the rights and the space of that folder; what has the lock’s name must be an empty directory.',
    });
  }
}

/** Removes the directory that was made here. Another one in its place is left alone: the library only forgets it. */
async function removeDirectory(folder: string, made: BigIntStats, release: Release, lost: AbortSignal): Promise<void> {
  if (lost.aborted) return;
  const found = await stat(join(folder, lockName), { bigint: true }).catch(() => undefined);
  if (found?.ino === made.ino && found.birthtimeNs === made.birthtimeNs) return release();
  const fs = { rmdir: (_path: string, done: () => void) => done() };
  await lockfile.unlock(folder, { realpath: false, fs });
}

function describe({ program, pid, since }: Holder): string {
  return `${program}, process ${pid}, since ${since}`;
}

async function describeUnknown(folder: string): Promise<string> {
  const found = await stat(join(folder, lockName)).catch(() => undefined);
  return found === undefined ? 'an unknown process' : `an unknown process, last seen ${found.mtime.toISOString()}`;
}

function held(options: DirectoryLockOptions, holder: string): BackupError {
  const path = join(options.folder, lockName);
  return new BackupError(`the drop folder is locked by ${holder} (${path})`, {
    kind: 'shared-lock',
    hint: `It was tried ${options.retries + 1} times. If no such process runs, remove the directory ${path}.`,
  });
}
