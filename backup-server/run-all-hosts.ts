import { hintOf, kindOf, messagesOf } from '#common/errors.ts';
import type { Log } from '#common/log.ts';
import type { PartReport, RunReport } from '#common/run/report.ts';
import { runReport } from '#common/run/run-report.ts';
import type { HostConfig } from './config.ts';
import { forEachHost } from './for-each-host.ts';

export interface AllHostsTools {
  readonly program: 'backup-server' | 'restic-maintenance';
  readonly version: string;
  readonly hostname: string;
  readonly log: Log;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly dryRun: boolean;
}

/** A run over several hosts; what became of each is in the report, also when the run was ended half way. */
export async function runAllHosts(
  hosts: readonly HostConfig[],
  limit: number,
  tools: AllHostsTools,
  run: (host: HostConfig) => Promise<PartReport>,
): Promise<RunReport> {
  const startedAt = tools.now().toISOString();
  const parts: PartReport[] = [];
  const report = (more: { readonly failure?: RunReport['failure'] }): RunReport => {
    const { program, version, hostname, dryRun } = tools;
    const finishedAt = tools.now().toISOString();
    return runReport({
      program,
      version,
      hostname,
      dryRun,
      startedAt,
      finishedAt,
      parts: inOrder(parts, hosts),
      stages: [],
      warnings: [],
      facts: {},
      ...more,
    });
  };
  try {
    await forEachHost(hosts, limit, async (host) => {
      tools.signal.throwIfAborted();
      parts.push(await run(host));
    });
    return report({});
  } catch (error) {
    const cause = tools.signal.aborted ? tools.signal.reason : error;
    return report({
      failure: { stage: undefined, messages: messagesOf(cause), hint: hintOf(cause), kind: kindOf(cause) },
    });
  }
}

function inOrder(parts: readonly PartReport[], hosts: readonly HostConfig[]): readonly PartReport[] {
  const place = new Map(hosts.map(({ name }, index) => [name, index]));
  return [...parts].sort((a, b) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0));
}
