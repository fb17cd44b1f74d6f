import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, ownIdentity, parseIdentity } from './process-identity.ts';

const prefix = 'backup-work-';
const ownerFile = '.owner';

/** Runs `fn` with a private folder (0700) that is removed afterwards, whatever happened. */
export async function withWorkFolder<T>(parent: string, fn: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parent, prefix));
  try {
    await writeFile(join(folder, ownerFile), JSON.stringify(ownIdentity()), { mode: 0o600 });
    return await fn(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes the work folders of processes that ended without doing so, and tells their paths. */
export async function removeStaleWorkFolders(parent: string): Promise<readonly string[]> {
  const names = await readdir(parent).catch(() => []);
  const removed: string[] = [];
  for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
    const folder = join(parent, name);
    if (await belongsToLiveProcess(folder)) continue;
    await rm(folder, { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}

async function belongsToLiveProcess(folder: string): Promise<boolean> {
  try {
    const identity = parseIdentity(JSON.parse(await readFile(join(folder, ownerFile), 'utf8')));
    return identity !== undefined && isAlive(identity);
  } catch {
    return false; // without a readable owner nobody can be asked
  }
}
