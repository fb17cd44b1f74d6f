import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

const prefix = 'backup-work-';

/** Runs `fn` with a private folder (0700) that is removed afterwards, whatever happened. */
export async function withWorkFolder<T>(parent: string, fn: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parent, prefix));
  try {
    return await fn(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
