import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { writeFileAtomically } from './atomic-file.ts';
import { BackupError, hasCode } from './errors.ts';
import { isAlive, ownIdentity, parseIdentity } from './process-identity.ts';

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
 */
export async function withDirectoryLock<T>(
  options: DirectoryLockOptions,
  fn: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const release = await take(options, lost);
  const ownerFile = join(options.folder, lockOwnerName);
  try {
    await writeOwner(ownerFile, options);
    return await fn(lost.signal);
  } finally {
    if (!lost.signal.aborted) await rm(ownerFile, { force: true });
    await release();
  }
}

async function take(options: DirectoryLockOptions, lost: AbortController): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt += 1) {
    await removeIfDead(options.folder);
    const release = await tryLock(options.folder, lost);
    if (release !== undefined) return release;
    const holder = await describeHolder(options.folder);
    if (attempt >= options.retries) throw held(options, holder);
    options.onWait?.(holder);
    await options.sleep(options.retryIntervalMs);
  }
}

async function tryLock(folder: string, lost: AbortController): Promise<(() => Promise<void>) | undefined> {
  try {
    const release = await lockfile.lock(folder, {
      lockfilePath: join(folder, lockName),
      realpath: false,
      stale: lockStaleMs,
      update: lockUpdateMs,
      onCompromised: (error) => lost.abort(new BackupError('the lock of the drop folder was lost', { cause: error })),
    });
    return () => releaseUnlessLost(release, lost.signal);
  } catch (error) {
    if (hasCode(error, 'ELOCKED')) return undefined;
    throw new BackupError(`cannot make the lock ${join(folder, lockName)}`, {
      cause: error,
      hint: 'Look at the rights and the space of that folder; what has the lock’s name must be an empty directory.',
    });
  }
}

async function releaseUnlessLost(release: () => Promise<void>, lost: AbortSignal): Promise<void> {
  if (lost.aborted) return;
  await release();
}

/** A holder whose process has ended does not have to be waited for. */
async function removeIfDead(folder: string): Promise<void> {
  const owner = await readOwner(folder);
  if (owner?.identity === undefined || isAlive(owner.identity)) return;
  await rm(join(folder, lockOwnerName), { force: true });
  await rm(join(folder, lockName), { recursive: true, force: true });
}

async function readOwner(folder: string) {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, lockOwnerName), 'utf8'));
    const { program, since } = (value ?? {}) as Record<string, unknown>;
    return { identity: parseIdentity(value), program, since };
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function writeOwner(path: string, options: DirectoryLockOptions): Promise<void> {
  const owner = { ...ownIdentity(), program: options.program, since: options.now().toISOString() };
  await writeFileAtomically(path, JSON.stringify(owner), 0o644);
}

async function describeHolder(folder: string): Promise<string> {
  const owner = await readOwner(folder);
  if (owner?.identity !== undefined) return `${owner.program}, process ${owner.identity.pid}, since ${owner.since}`;
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
