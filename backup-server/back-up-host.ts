import { chooseArchive } from '#common/archive/archive-name.ts';
import { snapshotTags } from '#common/archive/snapshot-tags.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { BackupError, kindOf } from '#common/errors.ts';
import type { Log } from '#common/log.ts';
import type { Runner } from '#common/process/runner.ts';
import { type PartResult, partReport } from '#common/run/part-report.ts';
import type { PartReport } from '#common/run/report.ts';
import type { Stages } from '#common/run/stages.ts';
import { hasYoungSnapshot, reasonToSkip } from './choose-action.ts';
import type { HostConfig, ServerConfig } from './config.ts';
import type { Restic } from './restic/restic.ts';
import { leavesOut } from './restic/restic-arguments.ts';
import type { BackupSummary, Snapshot } from './restic/restic-output.ts';
import type { ArchiveStore } from './store/archive-store.ts';
import { MeteredSource } from './store/metered-source.ts';
import { waitUntilFree } from './store/wait-until-free.ts';
import { HostTree, type ReadyTree } from './tree/host-tree.ts';
import { UnprovenSnapshot } from './unproven-snapshot.ts';

const progressMs = 10_000;

export interface HostTools {
  readonly log: Log;
  readonly now: () => Date;
  /** Rejects when the run is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly runner: Runner;
  readonly openStore: (host: HostConfig) => Promise<ArchiveStore>;
  readonly openRestic: (host: HostConfig) => Promise<Restic>;
  readonly dryRun: boolean;
}

type Archive = NonNullable<
  ReturnType<typeof chooseArchive<{ readonly fileName: string; readonly size: number }>>['newest']
>;

/**
 * The server's work for one host: look whether the client is done, take its newest archive, unpack it where nothing can
 * escape, prove that it is whole, store it, and only then touch it on the client.
 */
export async function backUpHost(host: HostConfig, config: ServerConfig, tools: HostTools): Promise<PartReport> {
  const log = tools.log.child({ host: host.name });
  return partReport(host.name, { ...tools, log }, async (stages) => {
    const restic = await tools.openRestic(host);
    const unproven = new UnprovenSnapshot(config.stateDir, host.name);
    const found = await stages.run('look into repository', () => restic.snapshots());
    const { snapshots, doubtful } = await apart(found, unproven, stages);
    const store = await connect(host, snapshots, stages, tools);
    if (store === undefined) return absent(host);
    try {
      const isBusy = await stages.run('look at lock', () => lockSkip(store, config, stages, tools));
      if (isBusy !== undefined) return { skip: isBusy };
      const archive = await stages.run('find archive', () => newestArchive(host, store, stages, tools));
      if (archive === undefined) return { skip: nothingNew(host, store, snapshots, tools) };
      const skip = reasonToSkip(archive, snapshots);
      if (skip?.kind === 'older') stages.warn(skip.reason);
      if (skip !== undefined) return { skip, facts: { archive: archive.fileName } };
      if (tools.dryRun) return { facts: { 'would store': archive.fileName, size: formatByteSize(archive.size) } };
      return await storeArchive({ host, archive, store, restic, unproven, doubtful, config, stages, tools });
    } finally {
      await store.close();
    }
  });
}

/** Snapshots that count, and those that an earlier run has made and not proven. */
async function apart(
  found: readonly Snapshot[],
  unproven: UnprovenSnapshot,
  stages: Stages,
): Promise<{ readonly snapshots: readonly Snapshot[]; readonly doubtful: readonly Snapshot[] }> {
  const tag = await unproven.tag();
  const isDoubtful = ({ tags }: Snapshot): boolean => tag !== undefined && tags.includes(tag);
  const doubtful = found.filter(isDoubtful);
  for (const { shortId } of doubtful)
    stages.warn(`snapshot ${shortId} was never compared with its archive's index; it does not count`);
  return { snapshots: found.filter((snapshot) => !isDoubtful(snapshot)), doubtful };
}

/** Undefined for a host that need not be there today. */
async function connect(
  host: HostConfig,
  snapshots: readonly Snapshot[],
  stages: Stages,
  tools: HostTools,
): Promise<ArchiveStore | undefined> {
  return stages.run('connect', async () => {
    try {
      return await tools.openStore(host);
    } catch (error) {
      const mayMiss = host.optional && hasYoungSnapshot(snapshots, host.maxAgeSeconds, tools.now());
      if (kindOf(error) === 'unreachable' && mayMiss) return undefined;
      throw error;
    }
  });
}

function absent(host: HostConfig): PartResult {
  return {
    skip: {
      kind: 'absent',
      reason: `${host.name} is not there, and it need not be before its newest backup passes max_age`,
    },
  };
}

/** A client that works on its archives to the end of our patience is passed over, and told of. */
async function lockSkip(
  store: ArchiveStore,
  config: ServerConfig,
  stages: Stages,
  tools: HostTools,
): Promise<PartResult['skip']> {
  try {
    const warning = await waitUntilFree(store, { ...config.lock, sleep: tools.sleep, now: () => performance.now() });
    if (warning !== undefined) stages.warn(warning);
    return undefined;
  } catch (error) {
    if (error instanceof BackupError && error.kind === 'client-lock') return { kind: 'lock', reason: error.message };
    throw error;
  }
}

async function newestArchive(
  host: HostConfig,
  store: ArchiveStore,
  stages: Stages,
  tools: HostTools,
): Promise<Archive | undefined> {
  const files = await store.list();
  const { newest, warnings } = chooseArchive({
    files,
    host: host.name,
    now: tools.now(),
    timeZone: host.archiveTimeZone,
  });
  for (const warning of warnings) stages.warn(warning);
  return newest;
}

/** What was stored before has been moved or deleted; that nothing came after it is a failure once max_age is passed. */
function nothingNew(
  host: HostConfig,
  store: ArchiveStore,
  snapshots: readonly Snapshot[],
  tools: HostTools,
): NonNullable<PartResult['skip']> {
  if (hasYoungSnapshot(snapshots, host.maxAgeSeconds, tools.now())) {
    return { kind: 'nothing-new', reason: `${store.name} holds no archive of ${host.name} that is not stored yet` };
  }
  throw new BackupError(`there is no archive of ${host.name} in ${store.name}`, {
    kind: 'no-archive',
    hint: `Its name must be ${host.name}-<YYYYMMDD_HHMMSS>.tar.gz: compare "hostname" on both machines, and look at the client's last run.`,
  });
}

interface Storing {
  readonly host: HostConfig;
  readonly archive: Archive;
  readonly store: ArchiveStore;
  readonly restic: Restic;
  readonly unproven: UnprovenSnapshot;
  /** Snapshots of this archive that do not count; they go when a proven one is there. */
  readonly doubtful: readonly Snapshot[];
  readonly config: ServerConfig;
  readonly stages: Stages;
  readonly tools: HostTools;
}

async function storeArchive(storing: Storing): Promise<PartResult> {
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
    return { ready: await tree.bringUpToDate(source), fetched: source.fetched };
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
  const { host, archive, restic, unproven, doubtful, config, stages } = storing;
  const services = ready.facts?.services ?? [];
  for (const { type, name, outcome, failure = [] } of services) {
    if (outcome === 'failed')
      stages.warn(
        `partial: the service ${type}/${name} failed on the client and is missing: ${failure[0] ?? 'no reason given'}`,
      );
  }
  await unproven.begin(archive.timestamp);
  const summary = await stages.run('restic backup', () =>
    restic.backup({
      folder: ready.folder,
      time: archive.time,
      tags: snapshotTags(host.name, archive.timestamp, services),
      ignoreInode: host.tree === 'discard',
      force: host.tree === 'discard' && ready.hasUnseenChange,
    }),
  );
  await stages.run('compare counts', () => compareCounts(ready, summary, restic, config));
  if (doubtful.length > 0) await restic.forget(doubtful.map(({ id }) => id));
  await unproven.proven();
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
