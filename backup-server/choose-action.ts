import type { ArchiveName } from '#common/archive/archive-name.ts';
import type { PartReport } from '#common/run/report.ts';
import type { Snapshot } from './restic/restic-output.ts';

type Skip = NonNullable<PartReport['skip']>;

/** Why the newest archive of a host needs no storing; undefined when it does. */
export function reasonToSkip(archive: ArchiveName, snapshots: readonly Snapshot[]): Skip | undefined {
  const twin = snapshots.find(({ tags }) => tags.includes(archive.timestamp));
  if (twin !== undefined) {
    return { kind: 'duplicate', reason: `${archive.fileName} is stored already, in snapshot ${twin.shortId}` };
  }
  const newest = snapshots.reduce<Snapshot | undefined>(
    (best, next) => (best === undefined || next.time > best.time ? next : best),
    undefined,
  );
  if (newest === undefined || newest.time <= archive.time) return undefined;
  const reason = `${archive.fileName} is older than the newest snapshot ${newest.shortId} (${newest.time.toISOString()})`;
  return { kind: 'older', reason: `${reason}; is the clock of the client right, and its timer running?` };
}

/** Whether the newest backup is within `max_age`: until then a host may be absent (if optional) or bring nothing new. */
export function hasYoungSnapshot(snapshots: readonly Snapshot[], maxAgeSeconds: number, now: Date): boolean {
  const limit = now.getTime() - maxAgeSeconds * 1000;
  return snapshots.some(({ time }) => time.getTime() >= limit);
}
