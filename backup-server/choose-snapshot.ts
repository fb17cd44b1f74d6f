import { servicesIn } from '#common/archive/snapshot-tags.ts';
import { BackupError, exitCodes } from '#common/errors.ts';
import type { Snapshot } from './restic/restic-output.ts';

export interface SnapshotWish {
  /** Id or its beginning. */
  readonly id?: string;
  /** The newest one that is not younger than this. */
  readonly at?: string;
  /** Paths that are to be restored. */
  readonly paths?: readonly string[];
}

/**
 * The snapshot to restore: the named one, or the newest, or the newest at a time. Where only paths of some services are
 * wanted, one in which these had failed or were left out is passed over.
 */
export function chooseSnapshot(snapshots: readonly Snapshot[], wish: SnapshotWish, host: string): Snapshot {
  const newestFirst = [...snapshots].sort((a, b) => b.time.getTime() - a.time.getTime());
  const limit = wish.at === undefined ? undefined : parseTime(wish.at);
  const fits = ({ id, time }: Snapshot) =>
    (wish.id === undefined || id.startsWith(wish.id)) && (limit === undefined || time <= limit);
  const services = (wish.paths ?? []).map((path) => path.split('/').slice(0, 2).join('/'));
  const found = newestFirst.find((snapshot) => fits(snapshot) && hasAll(snapshot, services)) ?? newestFirst.find(fits);
  if (found !== undefined) return found;
  throw new BackupError(`${host} has no such snapshot`, {
    hint: newestFirst.length === 0 ? 'It has none at all.' : `See "backup-server snapshots ${host}".`,
  });
}

/** Snapshots that other programs made do not tell. */
function hasAll({ tags }: Snapshot, services: readonly string[]): boolean {
  const { good, failed } = servicesIn(tags);
  return good.length + failed.length === 0 || services.every((service) => good.includes(service));
}

/** ISO 8601, with or without a time; UTC where it names no zone, since the times we show are UTC. */
function parseTime(text: string): Date {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const isZoned = /(Z|[+-]\d\d:?\d\d)$/.test(text);
  const time = new Date(isDay ? `${text}T23:59:59Z` : isZoned ? text : `${text.replace(' ', 'T')}Z`);
  if (!Number.isNaN(time.getTime())) return time;
  throw new BackupError(`"${text}" is no time`, {
    exitCode: exitCodes.usage,
    hint: 'Write 2026-01-31, or 2026-01-31T03:00.',
  });
}
