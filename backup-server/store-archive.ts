import { withArchiveThreads } from '#common/archive/archive-threads.ts';
import { snapshotTags } from '#common/archive/snapshot-tags.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { BackupError } from '#common/errors.ts';
import type { PartResult } from '#common/run/part-report.ts';
import type { Stages } from '#common/run/stages.ts';
import type { HostConfig, ServerConfig } from './config.ts';
import type { Archive, HostTools } from './host-tools.ts';
import type { Restic } from './restic/restic.ts';
import { leavesOut } from './restic/restic-arguments.ts';
import type { BackupSummary } from './restic/restic-output.ts';
import type { ArchiveStore } from './store/archive-store.ts';
import { MeteredSource } from './store/metered-source.ts';
import type { StoredSnapshots } from './stored-snapshots.ts';
import { HostTree, type ReadyTree } from './tree/host-tree.ts';
import type { UnprovenSnapshot } from './unproven-snapshot.ts';

const progressMs = 10_000;

export interface Storing {
  readonly host: HostConfig;
  readonly archive: Archive;
  readonly store: ArchiveStore;
  readonly restic: Restic;
  readonly unproven: UnprovenSnapshot;
  readonly stored: StoredSnapshots;
  readonly config: ServerConfig;
  readonly stages: Stages;
  readonly tools: HostTools;
}

/** Fetches, unpacks and stores an archive that is not stored yet, and then does with it on the client what was asked for. */
export async function storeArchive(storing: Storing): Promise<PartResult> {
  const { host, archive, store, stages, tools, config } = storing;
  const { runner } = tools;
  const warn = (message: string) => stages.warn(message);
  const tree = new HostTree(host, { tar: config.tar, runner, workDir: config.workDir, warn });
  let isStored = false;
  try {
    const { ready, fetched } = await stages.run('fetch and unpack', () => fetch(tree, archive, store, tools));
    const kept = tree
      .keep()
      .catch((error: unknown) => warn(`${ready.folder} has to be mended next time: ${String(error)}`));
    try {
      const summary = await storeTree(ready, storing);
      isStored = true;
      await stages.run('after fetch', () => afterFetch(host, archive, store, stages));
      return { facts: factsOf(archive, ready, fetched, summary) };
    } finally {
      await kept;
    }
  } finally {
    await tree.discard(isStored);
  }
}

async function fetch(tree: HostTree, archive: Archive, store: ArchiveStore, tools: HostTools) {
  const source = new MeteredSource(await store.open(archive.fileName), progressLog(archive.size, tools));
  try {
    const ready = await withArchiveThreads((work) => tree.bringUpToDate(source, work));
    return { ready, fetched: source.fetched };
  } finally {
    await source.close();
  }
}

/** A line every ten seconds. */
function progressLog(size: number, { log, now }: HostTools): (bytes: number) => void {
  let toldAt = now().getTime();
  return (bytes) => {
    if (now().getTime() - toldAt < progressMs) return;
    toldAt = now().getTime();
    log.info({ fetched: formatByteSize(bytes), archive: formatByteSize(size) }, 'fetching');
  };
}

/** A snapshot of the tree, proven to have all of it. */
async function storeTree(ready: ReadyTree, storing: Storing): Promise<BackupSummary> {
  const { host, archive, restic, unproven, stored, config, stages } = storing;
  const services = ready.facts?.services ?? [];
  for (const { type, name, outcome, failure = [] } of services) {
    if (outcome === 'failed')
      stages.warn(
        `partial: the service ${type}/${name} failed on the client and is missing: ${failure[0] ?? 'no reason given'}`,
      );
  }
  await unproven.begin(archive.timestamp);
  const tags = snapshotTags(host.name, archive.timestamp, services);
  const summary = await stages.run('restic backup', () =>
    restic.backup({
      folder: ready.folder,
      time: archive.time,
      tags,
      ignoreInode: host.tree === 'discard',
      force: host.tree === 'discard' && ready.hasUnseenChange,
    }),
  );
  await stages.run('compare counts', () => compareCounts(ready, summary, restic, config));
  if (stored.doubtful.length > 0) await restic.forget(stored.doubtful.map(({ id }) => id));
  await unproven.proven();
  await stored.add(summary.snapshotId, { time: archive.time, hostname: host.name, tags, paths: [ready.folder] });
  return summary;
}

/** restic must have read just as many files and bytes as the index names. A snapshot that has not is taken back. */
async function compareCounts(
  { counts }: ReadyTree,
  summary: BackupSummary,
  restic: Restic,
  config: ServerConfig,
): Promise<void> {
  if (leavesOut(config.restic.backupOptions)) return;
  if (summary.filesProcessed === counts.files && summary.bytesProcessed === counts.bytes) return;
  await restic.forget([summary.snapshotId]);
  const stored = `${summary.filesProcessed} files with ${summary.bytesProcessed} bytes`;
  throw new BackupError(
    `restic stored ${stored}, the index names ${counts.files} with ${counts.bytes}; the snapshot was taken back`,
    {
      hint: 'Something changed the tree while restic read it, or backup_options leave files out.',
    },
  );
}

/** The backup is safe by now: what cannot be tidied up on the client is a warning. */
async function afterFetch(host: HostConfig, archive: Archive, store: ArchiveStore, stages: Stages): Promise<void> {
  try {
    if (host.afterFetch === 'move') await store.move(archive.fileName);
    if (host.afterFetch === 'delete') await store.remove(archive.fileName);
  } catch (error) {
    stages.warn(
      `${archive.fileName} is stored, but could not be ${host.afterFetch === 'move' ? 'moved' : 'deleted'} on the client: ${String(error)}`,
    );
  }
}

function factsOf(
  archive: Archive,
  ready: ReadyTree,
  fetched: number,
  summary: BackupSummary,
): PartResult['facts'] & object {
  return {
    archive: archive.fileName,
    size: formatByteSize(archive.size),
    fetched: formatByteSize(fetched),
    ...(ready.resumed > 0 && { 'fetched before': ready.resumed }),
    snapshot: summary.snapshotId.slice(0, 8),
    files: summary.filesProcessed,
    'files new': summary.filesNew,
    'files changed': summary.filesChanged,
    content: formatByteSize(summary.bytesProcessed),
    added: formatByteSize(summary.bytesAdded),
  };
}
