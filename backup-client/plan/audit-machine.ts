import type { CollectorContext } from '#common/plugin/collector.ts';
import type { BackUpTools } from '../back-up-tools.ts';
import type { ClientConfig } from '../config.ts';
import type { Service, Task } from '../discover.ts';
import { keptFolderOf } from '../drop-folder.ts';
import { taskContexts } from '../service-run.ts';
import { recoveryContext } from '../undo.ts';
import { audit } from './audit.ts';
import { type DatedAsset, dateAssets, readSeenAssets, saveSeenAssets } from './seen-assets.ts';

export interface MachineAudit {
  readonly uncovered: readonly DatedAsset[];
  readonly problems: readonly string[];
}

/** How long looking at the whole machine may take. */
const auditTimeoutMs = 2 * 60_000;

/** The audit of this machine, dated by the one before and, unless in a dry run, kept for the next. */
export async function auditMachine(
  config: ClientConfig,
  services: readonly Service[],
  tools: BackUpTools,
): Promise<MachineAudit> {
  const warn = (message: string): void => tools.log.warn(message);
  const own = { ...tools, commands: config.tools, warn };
  const found = await audit(services, {
    collectors: tools.collectors,
    ignore: config.ignore,
    context: recoveryContext({ type: 'machine', name: config.hostname }, 'audit', auditTimeoutMs, own),
    contextOf: lookingContexts(config, tools),
  });
  const uncovered = dateAssets(found.uncovered, await readSeenAssets(config.stateDir), tools.now());
  if (!tools.dryRun) await saveSeenAssets(config.stateDir, uncovered);
  return { uncovered, problems: found.problems };
}

/** Contexts for tasks that only look: there is no work folder. */
export function lookingContexts(
  config: ClientConfig,
  tools: BackUpTools,
): (service: Service, task: Task) => CollectorContext {
  const own = { ...tools, commands: config.tools, keptFolder: keptFolderOf(config) };
  return (service, task) => taskContexts(service, '/nonexistent', own, (message) => tools.log.warn(message))(task);
}
