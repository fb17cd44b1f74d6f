import { servicesIn } from '#common/archive/snapshot-tags.ts';
import { formatDuration } from '#common/config/duration.ts';
import type { HostConfig } from './config.ts';
import type { Snapshot } from './restic/restic-output.ts';

/** What `status` says of a host. */
export interface HostStatus {
  readonly host: string;
  readonly isGood: boolean;
  /** Snapshots in the repository. */
  readonly snapshots: number;
  /** ISO 8601; undefined when there is no complete snapshot. */
  readonly lastGood: string | undefined;
  readonly ageSeconds: number | undefined;
  /** Bytes that the repository's data takes. */
  readonly repositoryBytes: number | undefined;
  /** How the last run for it ended; undefined when there is no record. */
  readonly lastRun: string | undefined;
  /** What is wrong, in words. */
  readonly problem: string | undefined;
}

interface Found {
  readonly snapshots: readonly Snapshot[];
  readonly repositoryBytes: number;
}

/** A host is good when its newest complete snapshot is younger than its `max_age`. */
export function hostStatus(host: HostConfig, found: Found, lastRun: string | undefined, now: Date): HostStatus {
  const complete = found.snapshots.filter(({ tags }) => !servicesIn(tags).isPartial);
  const newest = complete.reduce<Date | undefined>(
    (best, { time }) => (best === undefined || time > best ? time : best),
    undefined,
  );
  const ageSeconds =
    newest === undefined ? undefined : Math.max(0, Math.floor((now.getTime() - newest.getTime()) / 1000));
  const common = {
    host: host.name,
    snapshots: found.snapshots.length,
    repositoryBytes: found.repositoryBytes,
    lastRun,
  };
  const problem = problemOf(ageSeconds, host.maxAgeSeconds, found.snapshots.length);
  return { ...common, isGood: problem === undefined, lastGood: newest?.toISOString(), ageSeconds, problem };
}

function problemOf(ageSeconds: number | undefined, maxAgeSeconds: number, snapshots: number): string | undefined {
  if (ageSeconds === undefined) return snapshots === 0 ? 'no backup yet' : 'no complete backup, only partial ones';
  if (ageSeconds <= maxAgeSeconds) return undefined;
  return `last good backup is ${formatDuration(ageSeconds)} old, more than ${formatDuration(maxAgeSeconds)}`;
}

/** A host whose repository could not be looked into. */
export function unknownStatus(host: HostConfig, problem: string, lastRun: string | undefined): HostStatus {
  const nothing = { lastGood: undefined, ageSeconds: undefined, repositoryBytes: undefined };
  return { host: host.name, isGood: false, snapshots: 0, ...nothing, lastRun, problem };
}
