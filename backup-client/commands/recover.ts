import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { lockName, removeDeadLock } from '#common/directory-lock.ts';
import { exitCodes, kindOf } from '#common/errors.ts';
import { withInstanceLock } from '#common/instance-lock.ts';
import { renderReport } from '#common/run/render-report.ts';
import { exitCodeOf, runReport } from '#common/run/run-report.ts';
import { version } from '#common/version.ts';
import type { BackUpTools } from '../back-up-tools.ts';
import type { ClientConfig } from '../config.ts';
import { emptyStaging, stagingName } from '../drop-folder.ts';
import { InterventionLog } from '../intervention-log.ts';
import { recoverLeftovers } from '../recover-leftovers.ts';
import { loadSettings } from './load.ts';
import { mailReport, toolsOf } from './run.ts';

/**
 * `local-backup recover`: starts again what a run that was killed had stopped, removes its snapshots, its unfinished
 * files and its lock, and does nothing while a run is going on. Run after each run and at boot; a mail tells what does not
 * succeed.
 */
export async function recover(context: CommandContext): Promise<CommandOutcome> {
  const settings = await loadSettings(context.configDir);
  const { config } = settings;
  if (context.dryRun) return forecast(config);
  const tools = toolsOf(settings, context, context.logAt(config.logLevel));
  const lock = { folder: config.runtimeDir, program: 'local-backup', now: tools.now };
  try {
    return await withInstanceLock(lock, async () => {
      const startedAt = tools.now();
      const parts = await recoverLeftovers(config, tools);
      // A refused plugin may be the one that something is open of; else the next run tells of it.
      const notices = parts.some(({ outcome }) => outcome === 'failed') ? tools.notices : [];
      const removed = await removeUnfinished(config, tools);
      const report = runReport({
        program: 'local-backup',
        version,
        hostname: config.hostname,
        dryRun: false,
        startedAt: startedAt.toISOString(),
        finishedAt: tools.now().toISOString(),
        parts,
        stages: [],
        warnings: [...notices, ...removed.map((path) => `removed ${path}, which an interrupted run had left`)],
        facts: {},
      });
      const isTidy = report.outcome === 'ok';
      const told = await mailReport(report, config, tools.log);
      return { exitCode: exitCodeOf(told), text: isTidy ? 'nothing to put right' : renderReport(told), json: told };
    });
  } catch (error) {
    if (kindOf(error) !== 'already-running') throw error;
    return { exitCode: exitCodes.done, text: 'a run is going on, nothing was done', json: {} };
  }
}

/** The unfinished files of a run that was killed, and its lock of the drop folder; their paths. */
async function removeUnfinished(config: ClientConfig, { now }: Pick<BackUpTools, 'now'>): Promise<readonly string[]> {
  const folder = config.baseBackupDir;
  const removed = (await emptyStaging(config)).map((name) => join(folder, stagingName, name));
  if (await removeDeadLock({ folder, program: 'local-backup', now })) removed.push(join(folder, lockName));
  return removed;
}

/** What a dry run finds to be done. */
async function forecast(config: ClientConfig): Promise<CommandOutcome> {
  const open = await new InterventionLog(config.stateDir).all();
  const lines = open.map(
    ({ service, taskKey, kind }) => `${service.type}/${service.name}: ${kind} of ${taskKey} is open`,
  );
  const text = lines.length === 0 ? 'no service to start, no snapshot to remove' : lines.join('\n');
  return { exitCode: exitCodes.done, text, json: { open: lines } };
}
