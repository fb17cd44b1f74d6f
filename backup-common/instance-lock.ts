import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError, exitCodes } from './errors.ts';
import { type Holder, takeOwnerFile } from './owner-file.ts';

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
  const { folder, program, now } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const taking = await takeOwnerFile(join(folder, `${program}.lock`), { program, since: now().toISOString() });
  if (taking.type === 'held') throw alreadyRunning(program, taking.holder);
  try {
    return await fn();
  } finally {
    await taking.release();
  }
}

function alreadyRunning(program: string, holder: Holder): BackupError {
  return new BackupError(`${program} is already running: process ${holder.pid}, since ${holder.since}`, {
    kind: 'already-running',
    exitCode: exitCodes.alreadyRunning,
    hint: 'Wait until it has ended. A lock whose process is gone is taken over by itself.',
  });
}
