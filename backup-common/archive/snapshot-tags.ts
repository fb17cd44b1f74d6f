import type { ServiceFacts } from './archive-facts.ts';

/**
 * The tags of a snapshot: the host, the timestamp of its archive, `partial` when a service had failed, and each service
 * as `service:<type>/<name>` or `failed:<type>/<name>`; one that was skipped is in neither, since nothing of it is stored. restic separates tags by commas, so a comma is written `%2C`.
 */
export function snapshotTags(
  host: string,
  timestamp: string,
  services: readonly Pick<ServiceFacts, 'type' | 'name' | 'outcome'>[],
): string[] {
  const hasFailed = services.some(({ outcome }) => outcome === 'failed');
  const own = services
    .filter(({ outcome }) => outcome !== 'skipped')
    .map(({ type, name, outcome }) => `${outcome === 'failed' ? 'failed' : 'service'}:${type}/${name}`);
  return [host, timestamp, ...(hasFailed ? ['partial'] : []), ...own].map((tag) =>
    tag.replaceAll('%', '%25').replaceAll(',', '%2C'),
  );
}

/** What the tags say of the services; none for snapshots that other programs made. */
export interface TaggedServices {
  readonly isPartial: boolean;
  readonly good: readonly string[];
  readonly failed: readonly string[];
}

export function servicesIn(tags: readonly string[]): TaggedServices {
  const named = (prefix: string) =>
    tags
      .filter((tag) => tag.startsWith(prefix))
      .map((tag) => tag.slice(prefix.length).replaceAll('%2C', ',').replaceAll('%25', '%'));
  return { isPartial: tags.includes('partial'), good: named('service:'), failed: named('failed:') };
}
