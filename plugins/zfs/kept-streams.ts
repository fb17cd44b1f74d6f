import { mkdir, readdir, rm } from 'node:fs/promises';
import { posix } from 'node:path';
import { writeFileAtomically } from '#common/atomic-file.ts';
import { parseDuration } from '#common/config/duration.ts';
import { BackupError, hasCode } from '#common/errors.ts';
import type { CollectorContext } from '#common/plugin/collector.ts';
import { isNameOf } from '../snapshots/snapshot-name.ts';
import { sendStream } from './send-stream.ts';
import { chainOf, fileNameOf, nextStream } from './stream-chain.ts';
import { destroyBookmark, listBookmarks, makeBookmark, sendSnapshot } from './zfs-commands.ts';
import { type Dataset, parsePairs } from './zfs-output.ts';
import type { ZfsOptions } from './zfs-schema.ts';
import { zfs } from './zfs-snapshot.ts';

/**
 * Adds the stream of a snapshot to those that the task keeps of its dataset, and gives the folder with all that are
 * needed to restore it. The next one begins at a bookmark of this snapshot, which is made first: a bookmark without its
 * stream does no harm, and a chain whose bookmark is missing begins anew.
 */
export async function addKeptStream(
  dataset: Dataset,
  snapshot: string,
  options: Pick<ZfsOptions, 'full_every' | 'timeout'>,
  context: CollectorContext,
): Promise<string> {
  const folder = posix.join(context.keptFolder, dataset.guid);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const bookmarks = await ownBookmarks(dataset.name, context);
  const fullEvery = parseDuration(options.full_every) ?? 0;
  const next = nextStream(chainOf(await readdir(folder)), bookmarks, context.now(), fullEvery);
  await zfs(makeBookmark(dataset.name, snapshot), `make a bookmark of ${dataset.name}`, context);
  const base = next.type === 'full' ? undefined : next.base;
  await store(posix.join(folder, fileNameOf(snapshot, next.type)), dataset, snapshot, base, options, context);
  for (const file of chainOf(await readdir(folder)).obsolete) await rm(posix.join(folder, file));
  for (const bookmark of bookmarks) await zfs(destroyBookmark(bookmark), `remove ${bookmark}`, context);
  return folder;
}

async function store(
  file: string,
  { name, isEncrypted }: Dataset,
  snapshot: string,
  base: string | undefined,
  { timeout }: Pick<ZfsOptions, 'timeout'>,
  context: CollectorContext,
): Promise<void> {
  const timeoutMs = (parseDuration(timeout) ?? 0) * 1000;
  const full = `${name}@${snapshot}`;
  try {
    await writeFileAtomically(file, sendStream(sendSnapshot(full, { base, isEncrypted }, timeoutMs), full, context));
  } catch (cause) {
    if (!hasCode(cause, 'ENOSPC')) throw cause;
    throw new BackupError(`zfs: no room for the stream of ${name}`, {
      cause,
      hint: 'stream: incremental keeps a full stream below base_backup_dir, and two while a new one is made.',
    });
  }
}

/** With the names of their dataset. */
async function ownBookmarks(dataset: string, context: CollectorContext): Promise<readonly string[]> {
  const output = await zfs(listBookmarks(dataset), `list the bookmarks of ${dataset}`, context);
  return parsePairs(output)
    .map(([name]) => name)
    .filter((name) => isNameOf(context, name.split('#')[1] ?? ''));
}
