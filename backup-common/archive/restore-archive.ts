import { mkdir, readdir } from 'node:fs/promises';
import { BackupError } from '../errors.ts';
import type { Runner } from '../process/runner.ts';
import { type ArchiveIndex, entriesByPath } from './archive-index.ts';
import type { ArchiveWork } from './archive-work.ts';
import { type BytePath, escapeBytes } from './byte-path.ts';
import { checkedEntries } from './checked-entries.ts';
import { Extractor } from './extractor.ts';
import type { IndexItem } from './index-block.ts';
import { select } from './selection.ts';
import { checkIndex } from './verify-archive.ts';

export interface Restored {
  readonly entries: number;
  readonly bytes: number;
  readonly devices: number;
}

/**
 * Restores paths of an archive, with all below them, into a new or empty folder, under the names they have in the
 * archive. Of the archive no more than the index and what is needed is read, and checked on the way.
 */
export async function restoreArchive(
  index: ArchiveIndex,
  paths: readonly BytePath[],
  folder: string,
  tools: { readonly tar: string; readonly runner: Runner; readonly work: ArchiveWork },
): Promise<Restored> {
  await checkIndex(index);
  const selection = await select(entriesByPath(index), paths);
  if (selection.missing.length > 0) throw notFound(selection.missing, index);
  await requireEmptyFolder(folder);
  const extractor = new Extractor(folder, tools);
  let devices = 0;
  let entries = 0;
  let bytes = 0;
  try {
    const isWanted = (item: IndexItem) => item.entries.some((entry) => selection.pathOf(entry) !== undefined);
    for await (const { entry, tar, content } of checkedEntries(index, tools.work, isWanted)) {
      const path = selection.pathOf(entry);
      if (path === undefined) continue;
      entries += 1;
      bytes += entry.size;
      if (tar !== undefined)
        await extractor.add(
          { ...tar, path, link: tar.type === 'hardlink' ? selection.linkOf(tar.link ?? '') : tar.link },
          content(),
        );
      else if (entry.device !== undefined) {
        await extractor.addDevice(entry);
        devices += 1;
      }
    }
    await extractor.finish();
  } finally {
    extractor.close();
  }
  return { entries, bytes, devices };
}

/** Restoring over what is there would mix two states; nobody wants that unasked. */
export async function requireEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length === 0) return;
  throw new BackupError(`${folder} is not empty`, {
    hint: 'Restore into a new folder and move from there what you need.',
  });
}

function notFound(missing: readonly BytePath[], index: ArchiveIndex): BackupError {
  const names = missing.map((path) => `"${escapeBytes(path)}"`).join(', ');
  return new BackupError(`${index.source.name} has no ${names}`, {
    hint: 'See "local-backup list" for the paths it has.',
  });
}
