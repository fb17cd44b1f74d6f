import { partReport } from '#common/run/part-report.ts';
import type { PartReport } from '#common/run/report.ts';
import type { BackUpTools } from './back-up-tools.ts';
import type { ClientConfig } from './config.ts';
import type { Service } from './discover.ts';
import { keptFolderOf } from './drop-folder.ts';
import { InterventionLog } from './intervention-log.ts';
import { type OpenArchive, runService, type ServiceTools, type ServiceTrace } from './service-run.ts';

/** Runs all services one after the other, each with a report of its own; what they left for the archive's facts. */
export async function runServices(
  config: ClientConfig,
  services: readonly Service[],
  archive: OpenArchive,
  place: Pick<ServiceTools, 'staging' | 'reuse'>,
  parts: PartReport[],
  tools: BackUpTools,
): Promise<ReadonlyMap<Service, ServiceTrace>> {
  const traces = new Map<Service, ServiceTrace>();
  for (const service of services) {
    tools.signal.throwIfAborted();
    const name = `${service.type}/${service.name}`;
    const log = tools.log.child({ service: name });
    const serviceTools = {
      ...tools,
      ...place,
      log,
      commands: config.tools,
      interventions: new InterventionLog(config.stateDir),
      keptFolder: keptFolderOf(config),
      minFreeSpaceBytes: config.minFreeSpaceBytes,
    };
    parts.push(
      await partReport(name, { ...tools, log }, (stages) => runService(service, archive, stages, serviceTools, traces)),
    );
  }
  return traces;
}
