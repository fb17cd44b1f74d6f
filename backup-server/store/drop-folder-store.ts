import { posix } from 'node:path';
import { archivesOf } from '#common/archive/archive-name.ts';
import { notPlain } from '#common/archive/file-range-source.ts';
import { lockName, lockOwnerName } from '#common/directory-lock.ts';
import { BackupError } from '#common/errors.ts';
import type { ArchiveStore, LockLook, StoredFile } from './archive-store.ts';
import { accessFailure, type FileAccess } from './file-access.ts';

interface DropFolder {
  readonly path: string;
  /** The host whose archives `move` may tidy up in `done/`. */
  readonly host: string;
  /** IANA zone of the times in its archives' names. */
  readonly timeZone: string;
}

const maxOwnerBytes = 1024;

/** A drop folder on whatever gives access to files. */
export function dropFolderStore(access: FileAccess, folder: DropFolder): ArchiveStore {
  return {
    name: access.describe(folder.path),
    lookAtLock: () => lookAtLock(access, folder.path),
    list: () => listFiles(access, folder.path),
    open: async (fileName) => access.open(pathIn(folder.path, fileName)),
    move: (fileName) => moveToDone(access, folder, fileName),
    remove: async (fileName) => access.remove(await plainFile(access, folder.path, fileName)),
    close: () => access.close(),
  };
}

/** The folder is looked at first: without it there would be no lock either, and that must not mean "free". */
async function lookAtLock(access: FileAccess, folder: string): Promise<LockLook> {
  const parent = await access.stat(folder);
  if (parent?.type !== 'folder') throw accessFailure(`look into ${access.describe(folder)}`, 'missing', undefined);
  const lock = await access.lstat(pathIn(folder, lockName));
  if (lock === undefined) return { held: false };
  return { held: true, mtimeMs: lock.mtimeMs, owner: await readOwner(access, pathIn(folder, lockOwnerName)) };
}

/** It helps people and decides nothing, so that only a lost connection counts as a failure. */
async function readOwner(access: FileAccess, path: string): Promise<string | undefined> {
  try {
    const source = await access.open(path);
    try {
      return printable(await source.read(0, Math.min(source.size, maxOwnerBytes)));
    } finally {
      await source.close();
    }
  } catch (error) {
    if (error instanceof BackupError && error.kind === undefined) return undefined;
    throw error;
  }
}

/** The client may write anything there, and it goes to terminals and mails. */
function printable(bytes: Buffer): string | undefined {
  const text = bytes
    .toString('utf8')
    .replace(/[\p{C}\p{Z}\uFFFD]+/gu, ' ')
    .trim();
  return text === '' ? undefined : text;
}

async function listFiles(access: FileAccess, folder: string): Promise<readonly StoredFile[]> {
  const entries = await access.list(folder);
  return entries
    .filter(({ name, type }) => type === 'file' && isPlainName(name))
    .map(({ name, size, mtimeMs }) => ({ fileName: name, size, mtimeMs }));
}

async function moveToDone(access: FileAccess, folder: DropFolder, fileName: string): Promise<void> {
  const from = await plainFile(access, folder.path, fileName);
  const done = pathIn(folder.path, 'done');
  await makeSureOfFolder(access, done);
  const there = await listFiles(access, done);
  // renaming over SFTP does not replace; equal names are the same archive, moved before and delivered again
  if (there.some((file) => file.fileName === fileName)) await access.remove(pathIn(done, fileName));
  await access.rename(from, pathIn(done, fileName));
  for (const older of olderThan(fileName, there, folder)) await access.remove(pathIn(done, older));
}

/** The names among `files` that are archives of the same host and older; none when `fileName` is no archive itself. */
function olderThan(fileName: string, files: readonly { fileName: string }[], folder: DropFolder): readonly string[] {
  const others = files.filter((file) => file.fileName !== fileName);
  const names = archivesOf([...others, { fileName }], folder.host, folder.timeZone).map((archive) => archive.fileName);
  return names.includes(fileName) ? names.slice(names.indexOf(fileName) + 1) : [];
}

async function makeSureOfFolder(access: FileAccess, path: string): Promise<void> {
  const found = await access.lstat(path);
  if (found === undefined) return access.makeFolder(path);
  if (found.type === 'folder') return;
  throw new BackupError(`${access.describe(path)} is not a folder`, {
    hint: 'Stored archives are moved there. Look at who put something else in its place, and remove it.',
  });
}

async function plainFile(access: FileAccess, folder: string, fileName: string): Promise<string> {
  const path = pathIn(folder, fileName);
  const found = await access.lstat(path);
  if (found === undefined) throw accessFailure(`find ${access.describe(path)}`, 'missing', undefined);
  if (found.type !== 'file') throw notPlain(access.describe(path));
  return path;
}

function pathIn(folder: string, name: string): string {
  if (!isPlainName(name)) throw new BackupError(`"${name}" is not the name of a file in ${folder}`);
  return posix.join(folder, name);
}

/** An SFTP server can list any text as a name, also one that leads out of the folder. */
function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}
