import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { withInstanceLock } from '#common/instance-lock.ts';
import { maintenanceMails } from '#common/notify/mails.ts';
import { renderReport } from '#common/run/render-report.ts';
import { exitCodeOf } from '#common/run/run-report.ts';
import { version } from '#common/version.ts';
import type { HostConfig, ServerConfig } from '../config.ts';
import { maintainHost } from '../maintain-host.ts';
import { runAllHosts } from '../run-all-hosts.ts';
import { selectHosts } from '../select-hosts.ts';
import { commonTools, load, tell } from './load.ts';

/** `restic-maintenance run [HOST…]` */
export async function maintain(context: CommandContext): Promise<CommandOutcome> {
  const config = await load(context.configDir);
  const hosts = selectHosts(config.hosts, context.args);
  const work = () => maintainHosts(hosts, config, context);
  const lock = { folder: config.runtimeDir, program: 'restic-maintenance', now: () => new Date() };
  return context.dryRun ? work() : withInstanceLock(lock, work);
}

/** One host after the other: prune and check want the whole machine. */
async function maintainHosts(
  hosts: readonly HostConfig[],
  config: ServerConfig,
  context: CommandContext,
): Promise<CommandOutcome> {
  const { maintenance } = config;
  const log = context.logAt(maintenance.logLevel);
  const tools = {
    ...commonTools(config, context, log),
    log,
    stateDir: config.stateDir,
    retryLockMs: config.restic.retryLockSeconds * 1000,
  };
  const names = { program: 'restic-maintenance', version, hostname: config.hostname } as const;
  const report = await runAllHosts(hosts, 1, { ...tools, ...names }, (host) => maintainHost(host, maintenance, tools));
  const settings = { adminEmail: maintenance.adminEmail, subjectPrefix: maintenance.emailSubjectPrefix };
  const told = await tell(report, maintenanceMails(report, settings), config, log);
  return { exitCode: exitCodeOf(told), text: renderReport(told), json: told };
}
