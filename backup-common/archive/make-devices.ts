import { lstat, utimes } from 'node:fs/promises';
import type { Runner } from '../process/runner.ts';
import { type BytePath, bytesOf, parentOf } from './byte-path.ts';
import { Extractor } from './extractor.ts';
import type { IndexEntry } from './index-entry.ts';

/**
 * Makes the device nodes that an index has recorded in a tree that has been restored, and leaves the times of the
 * folders as they were. Sockets are made anew by their programs. Tells how many it made.
 */
export async function makeDevices(
  root: string,
  entries: readonly IndexEntry[],
  tools: { readonly tar: string; readonly runner: Runner },
): Promise<number> {
  const devices = entries.filter(({ device }) => device !== undefined);
  if (devices.length === 0) return 0;
  const folders = await Promise.all(
    [...new Set(devices.map(({ path }) => parentOf(path) ?? ''))].map((path) => timesOf(root, path)),
  );
  const extractor = new Extractor(root, tools);
  try {
    for (const device of devices) await extractor.addDevice(device);
    await extractor.finish();
  } finally {
    extractor.close();
  }
  for (const { path, atime, mtime } of folders) await utimes(path, atime, mtime);
  return devices.length;
}

async function timesOf(root: string, path: BytePath) {
  const folder = Buffer.concat([Buffer.from(`${root}/`), bytesOf(path)]);
  const { atime, mtime } = await lstat(folder);
  return { path: folder, atime, mtime };
}
