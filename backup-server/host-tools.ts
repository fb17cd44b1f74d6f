import type { ArchiveName } from '#common/archive/archive-name.ts';
import type { Log } from '#common/log.ts';
import type { Runner } from '#common/process/runner.ts';
import type { HostConfig } from './config.ts';
import type { Restic } from './restic/restic.ts';
import type { ArchiveStore, StoredFile } from './store/archive-store.ts';

/** What the work for one host is done with. */
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

/** An archive in a drop folder. */
export type Archive = ArchiveName & StoredFile;
