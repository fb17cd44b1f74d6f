import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { CollectorContext } from '#common/plugin/collector.ts';
import { mountSnapshot, unmount } from './zfs-commands.ts';
import type { Dataset } from './zfs-output.ts';
import { zfs } from './zfs-snapshot.ts';

/**
 * Runs `fn` with the folder in which a dataset's snapshot is seen: below `.zfs` where the dataset is mounted, else
 * mounted for that time in the task's work folder.
 */
export async function withSnapshotFolder<T>(
  { name: dataset, isMounted, mountpoint }: Pick<Dataset, 'name' | 'isMounted' | 'mountpoint'>,
  snapshot: string,
  context: CollectorContext,
  fn: (folder: string) => Promise<T>,
): Promise<T> {
  const visible = isMounted && mountpoint !== undefined ? snapshotFolderIn(mountpoint, snapshot) : undefined;
  if (visible !== undefined && (await opens(visible))) return fn(visible);
  const folder = posix.join(context.workFolder, 'snapshot');
  await mkdir(folder, { mode: 0o700 });
  await zfs(mountSnapshot(`${dataset}@${snapshot}`, folder), `mount ${dataset}@${snapshot}`, context);
  try {
    return await fn(folder);
  } finally {
    // when it cannot be unmounted now, as in a run that is told to end, removing the snapshot does it, or says why not
    await zfs(unmount(folder), `unmount ${folder}`, context)
      .then(() => rmdir(folder))
      .catch((error: unknown) => {
        if (!(error instanceof BackupError) && !context.signal.aborted) throw error;
      });
  }
}

function snapshotFolderIn(mountpoint: string, snapshot: string): string {
  return posix.join(mountpoint, '.zfs/snapshot', snapshot);
}

/** Reading it makes ZFS mount it. */
async function opens(folder: string): Promise<boolean> {
  return readdir(folder).then(
    () => true,
    () => false,
  );
}
