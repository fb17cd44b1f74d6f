import { servicesIn, type TaggedServices } from '#common/archive/snapshot-tags.ts';
import type { Snapshot } from './restic-output.ts';

/**
 * Snapshots that no policy may forget: the newest one, the newest complete one, and for every service of the newest one
 * that names any the newest in which that service is good. (Eight partial runs would push the last complete one out
 * otherwise; and one that was made by hand, without our tags, says of no service that it is gone.)
 */
export function protectedSnapshots(snapshots: readonly Snapshot[]): ReadonlySet<string> {
  const newestFirst = [...snapshots].sort((a, b) => b.time.getTime() - a.time.getTime());
  const [newest] = newestFirst;
  if (newest === undefined) return new Set();
  const current = newestFirst.map(({ tags }) => servicesIn(tags)).find(namesServices);
  const services = [...(current?.good ?? []), ...(current?.failed ?? [])];
  const newestWhere = (test: (snapshot: Snapshot) => boolean) => newestFirst.find(test)?.id;
  const ids = [
    newest.id,
    newestWhere(({ tags }) => !servicesIn(tags).isPartial),
    ...services.map((service) => newestWhere(({ tags }) => servicesIn(tags).good.includes(service))),
  ];
  return new Set(ids.filter((id) => id !== undefined));
}

function namesServices({ good, failed }: TaggedServices): boolean {
  return good.length + failed.length > 0;
}

/** What is forgotten of what the policy would let go. */
export function forgettable(snapshots: readonly Snapshot[], byPolicy: readonly string[]): readonly Snapshot[] {
  const kept = protectedSnapshots(snapshots);
  return snapshots.filter(({ id }) => byPolicy.includes(id) && !kept.has(id));
}
