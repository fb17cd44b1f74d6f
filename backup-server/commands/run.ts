import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { withInstanceLock } from '#common/instance-lock.ts';
import type { Log } from '#common/log.ts';
import { serverMails } from '#common/notify/mails.ts';
import { renderReport } from '#common/run/render-report.ts';
import type { PartReport } from '#common/run/report.ts';
import { exitCodeOf } from '#common/run/run-report.ts';
import { saveHostReport } from '#common/run/save-report.ts';
import { version } from '#common/version.ts';
import { backUpHost } from '../back-up-host.ts';
import type { HostConfig, ServerConfig } from '../config.ts';
import { runAllHosts } from '../run-all-hosts.ts';
import { selectHosts } from '../select-hosts.ts';
import { openStore } from '../store/open-store.ts';
import { rateLimiter } from '../store/rate-limit.ts';
import { withRetries } from '../with-retries.ts';
import { commonTools, load, tell } from './load.ts';

/** `backup-server run [HOST…]` */
export async function run(context: CommandContext): Promise<CommandOutcome> {
  const config = await load(context.configDir);
  const hosts = selectHosts(config.hosts, context.args);
  const log = context.logAt(config.logLevel);
  const work = () => runHosts(hosts, config, log, context);
  const lock = { folder: config.runtimeDir, program: 'backup-server', now: () => new Date() };
  return context.dryRun ? work() : withInstanceLock(lock, work);
}

async function runHosts(
  hosts: readonly HostConfig[],
  config: ServerConfig,
  log: Log,
  context: CommandContext,
): Promise<CommandOutcome> {
  const tools = { ...commonTools(config, context, log), log };
  const clock = { now: () => performance.now(), sleep: tools.sleep };
  const shared = config.bandwidthLimit === undefined ? undefined : rateLimiter(config.bandwidthLimit, clock);
  const hostTools = {
    ...tools,
    openStore: (host: HostConfig) => openStore(host, { clock, shared }, tools.signal, tools.runner),
  };
  const names = { program: 'backup-server', version, hostname: config.hostname } as const;
  const report = await runAllHosts(hosts, config.parallelHosts, { ...tools, ...names }, async (host) => {
    const retries = context.dryRun ? 0 : host.retries;
    const options = { retries, pauseMs: host.retryPauseMs, sleep: tools.sleep, log };
    return remember(await withRetries(options, () => backUpHost(host, config, hostTools)), config, context);
  });
  const settings = {
    adminEmail: config.adminEmail,
    subjectPrefix: config.emailSubjectPrefix,
    adminEmailOf: (name: string) => hosts.find((host) => host.name === name)?.adminEmail,
  };
  const told = await tell(report, serverMails(report, settings), config, log);
  return { exitCode: exitCodeOf(told), text: renderReport(told), json: told };
}

async function remember(part: PartReport, config: ServerConfig, context: CommandContext): Promise<PartReport> {
  if (!context.dryRun) await saveHostReport(config.stateDir, part);
  return part;
}
