import { join } from 'node:path';
import { formatArchiveName } from '#common/archive/archive-name.ts';
import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import type { PartReport, RunReport } from '#common/run/report.ts';
import { runReport } from '#common/run/run-report.ts';
import { Stages } from '#common/run/stages.ts';
import type { BackUpTools } from './back-up-tools.ts';
import type { ClientConfig } from './config.ts';
import type { Service } from './discover.ts';
import { stagingName } from './drop-folder.ts';
import { makeArchive } from './make-archive.ts';
import { auditMachine } from './plan/audit-machine.ts';
import { assetId } from './plan/coverage.ts';
import { recoverLeftovers } from './recover-leftovers.ts';
import { runServices } from './run-services.ts';
import type { OpenArchive } from './service-run.ts';

/**
 * The client's run: every service appends to one staged archive, which is verified by reading it back and only then
 * gets its name in the drop folder. What fails is in the report; nothing half made is ever left under a final name.
 */
export async function backUp(
  config: ClientConfig,
  services: readonly Service[],
  tools: BackUpTools,
): Promise<RunReport> {
  const stages = new Stages(tools.log, tools.now);
  const startedAt = tools.now();
  const parts: PartReport[] = [];
  const leftovers: PartReport[] = [];
  const common = {
    program: 'local-backup',
    version: tools.version,
    hostname: config.hostname,
    dryRun: tools.dryRun,
  } as const;
  const report = (more: Partial<Pick<RunReport, 'failure' | 'facts'>>): RunReport =>
    runReport({
      ...common,
      startedAt: startedAt.toISOString(),
      finishedAt: tools.now().toISOString(),
      parts: [...leftovers, ...parts],
      stages: stages.records,
      warnings: stages.warnings,
      facts: {},
      ...more,
    });
  for (const notice of tools.notices) stages.warn(notice);
  try {
    if (tools.dryRun) {
      await checkServices(config, services, parts, tools);
      return report({});
    }
    // Before anything is stopped anew.
    leftovers.push(...(await recoverLeftovers(config, tools)));
    const name = formatArchiveName(config.hostname, startedAt);
    const facts = await makeArchive(config, services, name, stages, parts, tools);
    await stages.run('audit', () => noteUncovered(config, services, stages, tools));
    return report({ facts: { ...facts, ...stages.facts } });
  } catch (error) {
    return report({ failure: stages.failureOf(tools.signal.aborted ? tools.signal.reason : error) });
  }
}

/** What came to this machine since the last audit and is saved by no service is told once, as a warning. */
async function noteUncovered(
  config: ClientConfig,
  services: readonly Service[],
  stages: Stages,
  tools: BackUpTools,
): Promise<void> {
  const { uncovered, problems } = await auditMachine(config, services, tools);
  for (const problem of problems) tools.log.info({ problem }, 'the audit could not look everywhere');
  const added = uncovered.filter(({ isNew }) => isNew).map(assetId);
  if (added.length > 0) stages.warn(`new and not covered by any service: ${added.join(', ')}`);
  if (uncovered.length > 0) stages.facts['not covered'] = `${uncovered.length} (see local-backup plan)`;
}

/** In a dry run every service is only checked; nothing is written anywhere. */
async function checkServices(
  config: ClientConfig,
  services: readonly Service[],
  parts: PartReport[],
  tools: BackUpTools,
): Promise<void> {
  const never = (): never => {
    throw new Error('a dry run came to write');
  };
  const archive: OpenArchive = { folders: new Set(), writer: new Proxy({} as ArchiveWriter, { get: never }) };
  await runServices(config, services, archive, { staging: join(config.baseBackupDir, stagingName) }, parts, tools);
}
