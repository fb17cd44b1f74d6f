import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { hasCode } from '#common/errors.ts';
import { accessFailure, type EntryFacts, type FileAccess, type ListedEntry, type Refusal } from './file-access.ts';

/** Files of this machine. */
export const localFileAccess: FileAccess = {
  describe: (path) => path,
  stat: (path) => factsOrNothing(path, stat),
  lstat: (path) => factsOrNothing(path, lstat),
  list: (folder) => attempt(`list ${folder}`, () => list(folder)),
  open: openFileSource,
  rename: (from, to) => attempt(`rename ${from} to ${to}`, () => rename(from, to)),
  remove: (path) => attempt(`remove ${path}`, () => unlink(path)),
  makeFolder: (path) => attempt(`make the folder ${path}`, () => mkdir(path, 0o770)),
  close: async () => undefined,
};

async function list(folder: string): Promise<readonly ListedEntry[]> {
  const names = await readdir(folder);
  const entries = await Promise.all(
    names.map(async (name) => {
      const facts = await factsOrNothing(join(folder, name), lstat);
      return facts === undefined ? [] : [{ name, ...facts }]; // it went away in between
    }),
  );
  return entries.flat();
}

async function factsOrNothing(path: string, look: (path: string) => Promise<Stats>): Promise<EntryFacts | undefined> {
  try {
    return factsOf(await look(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw accessFailure(`look at ${path}`, refusalOf(error), error);
  }
}

function factsOf(stats: Stats): EntryFacts {
  const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  return { type, size: stats.size, mtimeMs: stats.mtimeMs };
}

async function attempt<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw accessFailure(what, refusalOf(error), error);
  }
}

function refusalOf(error: unknown): Refusal {
  if (hasCode(error, 'ENOENT')) return 'missing';
  return hasCode(error, 'EACCES') || hasCode(error, 'EPERM') ? 'denied' : 'other';
}
