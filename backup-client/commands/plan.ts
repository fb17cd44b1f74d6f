import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { exitCodes } from '#common/errors.ts';
import type { PartReport, RunReport } from '#common/run/report.ts';
import { auditMachine, lookingContexts } from '../plan/audit-machine.ts';
import { type Plan, renderPlan } from '../plan/render-plan.ts';
import { planService, type ServicePlan } from '../plan/service-plan.ts';
import { load } from './load.ts';
import { toolsOf } from './run.ts';

/** `local-backup plan`: what a run would do now, and what on this machine no service saves. */
export async function plan(context: CommandContext): Promise<CommandOutcome> {
  const loaded = await load(context.configDir);
  const { config } = loaded;
  const tools = toolsOf(loaded, context, context.logAt(config.logLevel));
  const contextOf = lookingContexts(config, tools);
  const services: ServicePlan[] = [];
  for (const service of loaded.services) {
    services.push(await planService(service, (task) => contextOf(service, task)));
    context.signal.throwIfAborted();
  }
  const found: Plan = { services, ...(await auditMachine(config, loaded.services, tools)) };
  const isGood = services.every(({ problem }) => problem === undefined);
  const text = renderPlan(found, await lastParts(config.stateDir));
  return { exitCode: isGood ? exitCodes.done : exitCodes.failed, text, json: found };
}

async function lastParts(stateDir: string): Promise<readonly PartReport[]> {
  const path = join(stateDir, 'reports/local-backup/latest.json');
  const text = await readFile(path, 'utf8').catch(() => '{"parts":[]}');
  return (JSON.parse(text) as RunReport).parts;
}
