import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchiveIndex } from '#common/archive/archive-index.ts';
import { type BytePath, escapeBytes, parentOf } from '#common/archive/byte-path.ts';
import { Extractor } from '#common/archive/extractor.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { diskPath } from './disk-path.ts';
import { SpoiledTree } from './spoiled-tree.ts';
import { tarEntryOf } from './stage-changes.ts';
import type { Staging } from './staging.ts';
import type { TarTools } from './tar-tools.ts';
import type { TreeChanges } from './tree-changes.ts';
import { treeEntries } from './tree-entry.ts';

/**
 * Turns a tree into that of the index: what is gone goes, what is staged is renamed into its place, folders get their owners,
 * rights and times. Who is interrupted in the middle of it has a tree of neither index. Blocking calls: each is short, and
 * with promises they would take several times as long.
 */
export async function applyChanges(
  tree: string,
  index: ArchiveIndex,
  changes: TreeChanges,
  staging: Staging,
  tools: TarTools,
): Promise<void> {
  try {
    const folders = new RealFolders(tree);
    for (const path of changes.removed) folders.requireAbove(path);
    const aside = staging.placeAside();
    for (const [place, path] of [...changes.removed].reverse().entries()) {
      takeAway(diskPath(tree, path), join(aside, String(place)));
    }
    const changedFolders = await placeChanged(tree, index, changes, staging);
    await finishFolders(tree, changedFolders, changes, tools);
  } catch (error) {
    throw new SpoiledTree(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * One name: never what a link points to, never what is below a folder that should be empty by now. To give a file's blocks
 * back takes the file system longer than all else that is done here, and so is left for later.
 */
function takeAway(path: Buffer, aside: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) rmdirSync(path);
  else if (stat !== undefined) renameSync(path, aside);
}

/** In path order, so that a folder is there before what is in it and a file before its hard links. Gives the folders' headers. */
async function placeChanged(tree: string, index: ArchiveIndex, changes: TreeChanges, staging: Staging) {
  const folders = new RealFolders(tree);
  const headers: TarEntry[] = [];
  const blocks = index.blocks.filter(({ sha256 }) => changes.changedBlocks.has(sha256));
  for await (const { entry } of treeEntries(index, blocks)) {
    if (!changes.changed.has(entry.path)) continue;
    folders.requireAbove(entry.path);
    const path = diskPath(tree, entry.path);
    if (entry.type === 'folder') {
      placeFolder(path, staging.pathOf(entry.path), changes.replacedFolders.has(entry.path));
      headers.push(staging.folderHeaders.get(entry.path) ?? tarEntryOf(entry));
    } else if (entry.type === 'hardlink') {
      rmSync(path, { force: true });
      folders.requireAbove(entry.link ?? '');
      linkSync(diskPath(tree, entry.link ?? ''), path);
    } else renameSync(staging.pathOf(entry.path), path);
  }
  return headers;
}

/** A new folder is made elsewhere and moved, lest it inherit ACLs of the one it lies in. */
function placeFolder(path: Buffer, fresh: string, mustReplace: boolean): void {
  const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isThere && !mustReplace) return;
  rmSync(fresh, { recursive: true, force: true }); // an interrupted run's
  mkdirSync(fresh, { mode: 0o700 });
  if (isThere) {
    const target = Buffer.from(fresh);
    for (const name of readdirSync(path, 'buffer')) renameSync(below(path, name), below(target, name));
    rmdirSync(path);
  }
  renameSync(fresh, path);
}

function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

/** On disk too, every folder that something is done in must be a folder: a link in its place would lead us elsewhere. */
class RealFolders {
  readonly #checked = new Set<BytePath>();

  constructor(private readonly tree: string) {}

  requireAbove(path: BytePath): void {
    const parent = parentOf(path);
    if (parent === undefined || this.#checked.has(parent)) return;
    this.requireAbove(parent);
    const stat = lstatSync(diskPath(this.tree, parent), { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true) throw new SpoiledTree(`"${escapeBytes(parent)}" is no folder any more`);
    this.#checked.add(parent);
  }
}

/** By tar, which knows ACLs, nanoseconds and names that are no text. Folders that were only touched keep their attributes. */
async function finishFolders(
  tree: string,
  changed: readonly TarEntry[],
  { touchedFolders }: TreeChanges,
  tools: TarTools,
): Promise<void> {
  await writeHeaders(changed, () => new Extractor(tree, tools));
  const touched = [...touchedFolders.values()].map(tarEntryOf);
  await writeHeaders(touched, () => new Extractor(tree, tools, true));
}

async function writeHeaders(headers: readonly TarEntry[], startTar: () => Extractor): Promise<void> {
  if (headers.length === 0) return;
  const extractor = startTar();
  try {
    for (const header of headers) await extractor.add(header, noContent());
    await extractor.finish();
  } finally {
    extractor.close();
  }
}

async function* noContent(): AsyncGenerator<Buffer> {}
