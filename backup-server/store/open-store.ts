import type { Runner } from '#common/process/runner.ts';
import type { HostConfig } from '../config.ts';
import type { ArchiveStore } from './archive-store.ts';
import { dropFolderStore } from './drop-folder-store.ts';
import { trustOf } from './known-hosts.ts';
import { localFileAccess } from './local-file-access.ts';
import { allOf, type Clock, type RateLimiter, rateLimiter } from './rate-limit.ts';
import { connectSftp } from './sftp-connection.ts';
import { sftpFileAccess } from './sftp-file-access.ts';

export type StoreHost = Pick<HostConfig, 'name' | 'connection' | 'archiveTimeZone' | 'bandwidthLimit'>;

export interface StoreLimits {
  readonly clock: Clock;
  /** The limit of all hosts together, one object for the whole run. */
  readonly shared: RateLimiter | undefined;
}

const silenceMs = 60_000;

/** Opens the drop folder of a host; the limits hold for what comes over the network. The caller closes it. */
export async function openStore(
  host: StoreHost,
  limits: StoreLimits,
  signal: AbortSignal,
  runner: Runner,
): Promise<ArchiveStore> {
  const { connection } = host;
  const folder = { path: connection.folder, host: host.name, timeZone: host.archiveTimeZone };
  if (connection.type === 'local') return dropFolderStore(localFileAccess, folder);
  const trust = await trustOf(connection, runner);
  const session = await connectSftp({ ...connection, silenceMs }, trust, signal);
  return dropFolderStore(sftpFileAccess(session, limiterOf(host, limits)), folder);
}

function limiterOf({ bandwidthLimit }: StoreHost, { shared, clock }: StoreLimits): RateLimiter {
  const own = bandwidthLimit === undefined ? [] : [rateLimiter(bandwidthLimit, clock)];
  return allOf(shared === undefined ? own : [...own, shared]);
}
