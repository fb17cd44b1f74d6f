import { setTimeout } from 'node:timers/promises';
import type { CommandContext } from '#common/cli.ts';
import { Problems } from '#common/config/problems.ts';
import type { Log } from '#common/log.ts';
import type { Mail } from '#common/notify/mail.ts';
import { sendMails } from '#common/notify/send-mails.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { loggedRunner } from '#common/process/logged-runner.ts';
import type { RunReport } from '#common/run/report.ts';
import { saveReport } from '#common/run/save-report.ts';
import { type HostConfig, loadServerConfig, type ServerConfig } from '../config.ts';
import { openRestic, type Restic } from '../restic/restic.ts';

/** The configuration, or one error with every problem in it. */
export async function load(configDir: string): Promise<ServerConfig> {
  const problems = new Problems();
  const config = await loadServerConfig(configDir, problems);
  problems.throwIfAny();
  if (config === undefined) throw new Error('a configuration was refused without saying why');
  return config;
}

/** What every command of the server works with. */
export function commonTools(config: ServerConfig, context: CommandContext, log: Log = context.logAt(config.logLevel)) {
  const runner = loggedRunner(execaRunner(context.signal), log);
  return {
    now: () => new Date(),
    sleep: (ms: number) => setTimeout(ms, undefined, { signal: context.signal }),
    signal: context.signal,
    runner,
    openRestic: (host: HostConfig): Promise<Restic> => openRestic(host, config.restic, runner),
    dryRun: context.dryRun,
  };
}

/** Keeps the record and sends the mails; what could not be told becomes a warning of the report. */
export async function tell(
  report: RunReport,
  mails: readonly Mail[],
  config: ServerConfig,
  log: Log,
): Promise<RunReport> {
  const runner = execaRunner(); // not the run's own: an aborted run still tells of it
  const warnings = await sendMails(mails, config.mail, { runner, hostname: config.hostname, log });
  const told = { ...report, warnings: [...report.warnings, ...warnings] };
  if (!report.dryRun) await saveReport(config.stateDir, told);
  return told;
}
