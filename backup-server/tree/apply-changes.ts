import { lstat, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type BytePath, bytesOf, parentOf } from '#common/archive/byte-path.ts';
import { extractCommand } from '#common/archive/extract-command.ts';
import { Extractor } from '#common/archive/extractor.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { formatSeconds, type TarEntry } from '#common/archive/tar-entry.ts';
import { BackupError, hasCode } from '#common/errors.ts';
import type { Runner } from '#common/process/runner.ts';
import type { TreeChanges } from './tree-changes.ts';

export interface ApplyTools {
  readonly tar: string;
  readonly runner: Runner;
}

/**
 * Turns a tree into that of the new index: what is gone or changed goes, the changed entries are unpacked from the spool,
 * folders get their times again. Who is interrupted in the middle of it has a tree of neither index.
 */
export async function applyChanges(
  tree: string,
  changes: TreeChanges,
  spoolPath: string,
  tools: ApplyTools,
): Promise<void> {
  for (const path of [...changes.removed].reverse()) await remove(diskPath(tree, path));
  await requireFolders(tree, changes);
  if (changes.changed.size > 0) await unpackSpool(tree, spoolPath, tools);
  await restoreFolderTimes(tree, [...changes.touchedFolders.values()], tools);
}

/** One name: never what a link points to, never what is below a folder that should be empty by now. */
async function remove(path: Buffer): Promise<void> {
  try {
    if ((await lstat(path)).isDirectory()) await rmdir(path);
    else await rm(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** On disk too, every folder that something is written into must be a folder: tar would follow a link in its place. */
async function requireFolders(tree: string, { changed }: TreeChanges): Promise<void> {
  const checked = new Set<BytePath>();
  for (const path of changed) {
    for (let parent = parentOf(path); parent !== undefined && !checked.has(parent); parent = parentOf(parent)) {
      checked.add(parent);
      if (changed.has(parent)) continue; // may not be there yet
      const stat = await lstat(diskPath(tree, parent)).catch(() => undefined);
      if (stat?.isDirectory() !== true)
        throw new BackupError(`the tree was changed by hand: ${join(tree, parent)} is no folder`);
    }
  }
  for (const path of checked) {
    const stat = await lstat(diskPath(tree, path)).catch(() => undefined);
    if (stat !== undefined && !stat.isDirectory())
      throw new BackupError(`the tree was changed by hand: ${join(tree, path)} is no folder`);
  }
}

async function unpackSpool(tree: string, spoolPath: string, { tar, runner }: ApplyTools): Promise<void> {
  const command = extractCommand(tar, tree);
  const args = command.args.map((arg) => (arg === '--file=-' ? `--file=${spoolPath}` : arg));
  const { exitCode, stderr } = await runner.run({ ...command, args });
  if (exitCode !== 0) throw new BackupError(`cannot unpack into ${tree}: ${stderr.split('\n')[0]}`);
}

/** By tar, which knows nanoseconds; where a folder has ACLs or attributes by touch, since a header without them would drop them. */
async function restoreFolderTimes(tree: string, folders: readonly IndexEntry[], tools: ApplyTools): Promise<void> {
  const plain = folders.filter(({ attributes }) => attributes === undefined);
  if (plain.length > 0) {
    const extractor = new Extractor(tree, tools);
    try {
      for (const folder of plain) await extractor.add(folderHeader(folder), noContent());
      await extractor.finish();
    } finally {
      extractor.close();
    }
  }
  for (const folder of folders.filter(({ attributes }) => attributes !== undefined)) {
    const path = join(tree, bytesOf(folder.path).toString('utf8'));
    await tools.runner.run({
      file: 'touch',
      args: ['--no-create', `--date=@${formatSeconds(folder.mtimeNs)}`, '--', path],
    });
  }
}

function folderHeader({ path, mode, uid, gid, mtimeNs }: IndexEntry): TarEntry {
  return { path, type: 'folder', mode, uid, gid, mtimeNs, size: 0, storedSize: 0, link: undefined, attributes: [] };
}

async function* noContent(): AsyncGenerator<Buffer> {}

function diskPath(tree: string, path: BytePath): Buffer {
  return Buffer.concat([Buffer.from(`${tree}/`), bytesOf(path)]);
}
