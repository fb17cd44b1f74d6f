import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

type Content = string | Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Writes a file so that its path holds the old content or the whole new one, also after a power cut. The mode is set
 * whatever the umask is. When it fails, nothing is left beside the old file.
 */
export async function writeFileAtomically(path: string, data: Content, mode = 0o600): Promise<void> {
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  try {
    await writeSynced(partial, data, mode);
    await renameDurably(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function writeSynced(path: string, data: Content, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.chmod(mode);
    await writeFile(file, data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Renames within a file system and syncs the folder, so that the new name survives a power cut. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
