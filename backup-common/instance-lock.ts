import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError, exitCodes, hasCode } from './errors.ts';
import { isAlive, ownIdentity, parseIdentity } from './process-identity.ts';

export interface InstanceLockOptions {
  /** Where the lock file is; made when missing. */
  readonly folder: string;
  readonly program: string;
  readonly now: () => Date;
}

/**
 * Runs `fn` while this program runs only once on this machine. A second start fails at once with exit code 75 and
 * says who runs since when. The lock of a process that has ended is free.
 */
export async function withInstanceLock<T>(options: InstanceLockOptions, fn: () => Promise<T>): Promise<T> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const path = join(options.folder, `${options.program}.lock`);
  await take(path, options);
  try {
    return await fn();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, options: InstanceLockOptions): Promise<void> {
  const mine = `${path}.${process.pid}`;
  const owner = { ...ownIdentity(), since: options.now().toISOString() };
  await writeFile(mine, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (await placed(mine, path)) return;
      const found = await readOwner(path);
      if (found?.isAlive === true) throw alreadyRunning(options.program, found);
      if (found !== undefined) await removeDead(path, found.text);
    }
  } finally {
    await rm(mine, { force: true });
  }
  throw new BackupError(`cannot take the lock ${path}`, { hint: 'Others took it again and again; try later.' });
}

/** A hard link is made completely or not at all, and never over another one. */
async function placed(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

interface Owner {
  readonly text: string;
  readonly isAlive: boolean;
  readonly pid: number;
  readonly since: string;
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const value: unknown = JSON.parse(text);
    const identity = parseIdentity(value);
    const since = String((value as { since?: unknown } | null)?.since ?? 'an unknown time');
    return { text, isAlive: identity !== undefined && isAlive(identity), pid: identity?.pid ?? 0, since };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (error instanceof SyntaxError) return { text: '', isAlive: false, pid: 0, since: '' };
    throw error;
  }
}

/**
 * Removes a dead owner's lock. It is renamed first, which only one of two takers can do; who finds that it renamed a
 * new owner's lock instead puts it back.
 */
async function removeDead(path: string, text: string): Promise<void> {
  const aside = `${path}.dead.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== text) await placed(aside, path);
  await rm(aside, { force: true });
}

function alreadyRunning(program: string, owner: Owner): BackupError {
  return new BackupError(`${program} is already running: process ${owner.pid}, since ${owner.since}`, {
    kind: 'already-running',
    exitCode: exitCodes.alreadyRunning,
    hint: 'Wait until it has ended. A lock whose process is gone is taken over by itself.',
  });
}
