import type { Container } from './containers.ts';

type Ordered = Pick<Container, 'id' | 'service' | 'startedAt' | 'dependsOn'>;

/**
 * Groups of containers, each of which needs only those of groups before it. What a container needs and is not among them
 * does not count. Where compose does not say what needs what, they go one by one in the order in which they were started.
 */
export function startOrder<C extends Ordered>(containers: readonly C[]): readonly (readonly C[])[] {
  const byAge = [...containers].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  if (byAge.some(({ dependsOn }) => dependsOn === undefined)) return byAge.map((container) => [container]);
  const groups: C[][] = [];
  for (let left = byAge; left.length > 0; ) {
    const isFree = ({ service, dependsOn }: C) =>
      !left.some((other) => other.service !== service && dependsOn?.includes(other.service));
    const free = left.filter(isFree);
    const group = free.length > 0 ? free : left; // a circle, which compose itself refuses
    groups.push(group);
    left = left.filter((container) => !group.includes(container));
  }
  return groups;
}
