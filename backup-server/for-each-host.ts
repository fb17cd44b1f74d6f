import type { HostConfig } from './config.ts';

/** Runs hosts in their order, `limit` at a time. What one of them throws ends the run when those under way have ended. */
export async function forEachHost(
  hosts: readonly HostConfig[],
  limit: number,
  run: (host: HostConfig) => Promise<void>,
): Promise<void> {
  const waiting = [...hosts];
  const worker = async (): Promise<void> => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) await run(host);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, hosts.length) }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
