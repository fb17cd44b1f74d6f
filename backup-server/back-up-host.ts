import { chooseArchive } from '#common/archive/archive-name.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { BackupError, kindOf } from '#common/errors.ts';
import { type PartResult, partReport } from '#common/run/part-report.ts';
import type { PartReport } from '#common/run/report.ts';
import type { Stages } from '#common/run/stages.ts';
import { hasYoungSnapshot, reasonToSkip } from './choose-action.ts';
import type { HostConfig, ServerConfig } from './config.ts';
import type { Archive, HostTools } from './host-tools.ts';
import type { Snapshot } from './restic/restic-output.ts';
import type { ArchiveStore } from './store/archive-store.ts';
import { waitUntilFree } from './store/wait-until-free.ts';
import { storeArchive } from './store-archive.ts';
import { StoredSnapshots } from './stored-snapshots.ts';
import { UnprovenSnapshot } from './unproven-snapshot.ts';

/**
 * The server's work for one host: look whether the client is done, take its newest archive, unpack it where nothing can
 * escape, prove that it is whole, store it, and only then touch it on the client.
 */
export async function backUpHost(host: HostConfig, config: ServerConfig, tools: HostTools): Promise<PartReport> {
  const log = tools.log.child({ host: host.name });
  return partReport(host.name, { ...tools, log }, async (stages) => {
    const restic = await tools.openRestic(host);
    const unproven = new UnprovenSnapshot(config.stateDir, host.name);
    const stored = new StoredSnapshots({ restic, unproven, stages, stateDir: config.stateDir, host: host.name });
    await stored.remembered();
    const store = await connect(host, stored, stages, tools);
    if (store === undefined) return absent(host);
    try {
      const isBusy = await stages.run('look at lock', () => lockSkip(store, config, stages, tools));
      if (isBusy !== undefined) return { skip: isBusy };
      const archive = await stages.run('find archive', () => newestArchive(host, store, stages, tools));
      if (archive === undefined) return { skip: nothingNew(host, store, await stored.certain(), tools) };
      const maySkip = reasonToSkip(archive, await stored.remembered()) !== undefined;
      const skip = maySkip ? reasonToSkip(archive, await stored.certain()) : undefined;
      if (skip?.kind === 'older') stages.warn(skip.reason);
      if (skip !== undefined) return { skip, facts: { archive: archive.fileName } };
      if (tools.dryRun) return { facts: { 'would store': archive.fileName, size: formatByteSize(archive.size) } };
      return await storeArchive({ host, archive, store, restic, unproven, stored, config, stages, tools });
    } finally {
      await store.close();
    }
  });
}

/** Undefined for a host that need not be there today. */
async function connect(
  host: HostConfig,
  stored: StoredSnapshots,
  stages: Stages,
  tools: HostTools,
): Promise<ArchiveStore | undefined> {
  return stages.run('connect', async () => {
    try {
      return await tools.openStore(host);
    } catch (error) {
      if (!host.optional || kindOf(error) !== 'unreachable') throw error;
      if (!hasYoungSnapshot(await stored.certain(), host.maxAgeSeconds, tools.now())) throw error;
      return undefined;
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
