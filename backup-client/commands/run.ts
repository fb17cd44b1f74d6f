import { setTimeout } from 'node:timers/promises';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { formatProblem } from '#common/config/problems.ts';
import { withInstanceLock } from '#common/instance-lock.ts';
import type { Log } from '#common/log.ts';
import { clientMails } from '#common/notify/mails.ts';
import { sendMails } from '#common/notify/send-mails.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { loggedRunner } from '#common/process/logged-runner.ts';
import { renderReport } from '#common/run/render-report.ts';
import type { RunReport } from '#common/run/report.ts';
import { exitCodeOf } from '#common/run/run-report.ts';
import { saveReport } from '#common/run/save-report.ts';
import { version } from '#common/version.ts';
import { backUp } from '../back-up.ts';
import type { BackUpTools } from '../back-up-tools.ts';
import type { ClientConfig } from '../config.ts';
import { type Loaded, load, type Settings } from './load.ts';

/** `local-backup run` */
export async function run(context: CommandContext): Promise<CommandOutcome> {
  const loaded = await load(context.configDir);
  const { config, services } = loaded;
  const log = context.logAt(config.logLevel);
  if (context.dryRun) {
    const report = await backUp(config, services, toolsOf(loaded, context, log));
    return { exitCode: exitCodeOf(report), text: renderReport(report), json: report };
  }
  const lock = { folder: config.runtimeDir, program: 'local-backup', now: () => new Date() };
  return withInstanceLock(lock, async () => {
    const report = await tell(await backUp(config, services, toolsOf(loaded, context, log)), config, log);
    return { exitCode: exitCodeOf(report), text: renderReport(report), json: report };
  });
}

/** What a dry run finds: for `check`. */
export function checkOnly(loaded: Loaded, context: CommandContext): Promise<RunReport> {
  const { config, services } = loaded;
  return backUp(config, services, { ...toolsOf(loaded, context, context.logAt(config.logLevel)), dryRun: true });
}

export function toolsOf({ collectors, own }: Settings, context: CommandContext, log: Log): BackUpTools {
  return {
    version,
    log,
    now: () => new Date(),
    sleep: (ms) => setTimeout(ms, undefined, { signal: context.signal }),
    signal: context.signal,
    runner: loggedRunner(execaRunner(context.signal), log),
    lastingRunner: (signal) => loggedRunner(execaRunner(signal), log),
    collectors,
    dryRun: context.dryRun,
    notices: own.refused.map((problem) => `a plugin was refused: ${formatProblem(problem)}`),
  };
}

/** Keeps the record and sends the mails; what could not be told becomes a warning of the report. */
async function tell(report: RunReport, config: ClientConfig, log: Log): Promise<RunReport> {
  const told = await mailReport(report, config, log);
  await saveReport(config.stateDir, told);
  return told;
}

/** A mail when it failed; what could not be told becomes a warning. */
export async function mailReport(report: RunReport, config: ClientConfig, log: Log): Promise<RunReport> {
  const settings = { adminEmail: config.adminEmail, subjectPrefix: config.emailSubjectPrefix };
  const runner = execaRunner(); // not the run's own: an aborted run still tells of it
  const warnings = await sendMails(clientMails(report, settings), config.mail, {
    runner,
    hostname: config.hostname,
    log,
  });
  return { ...report, warnings: [...report.warnings, ...warnings] };
}
