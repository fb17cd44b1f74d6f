import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { Problems } from '#common/config/problems.ts';
import { exitCodes, kindOf, messagesOf } from '#common/errors.ts';
import { withInstanceLock } from '#common/instance-lock.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { loggedRunner } from '#common/process/logged-runner.ts';
import { collectors } from '#plugins/index.ts';
import { type ClientConfig, loadClientConfig } from '../config.ts';
import { emptyStaging, stagingName } from '../drop-folder.ts';
import { InterventionLog } from '../intervention-log.ts';
import { undoAll } from '../undo.ts';

/**
 * `local-backup recover`: starts again what a run that was killed had stopped, removes its snapshots and its unfinished
 * files, and does nothing while a run is going on. Run after each run and at boot.
 */
export async function recover(context: CommandContext): Promise<CommandOutcome> {
  const problems = new Problems();
  const config = await loadClientConfig(context.configDir, problems);
  problems.throwIfAny();
  if (config === undefined) throw new Error('a configuration was refused without saying why');
  try {
    if (context.dryRun) return await forecast(config);
    const lock = { folder: config.runtimeDir, program: 'local-backup', now: () => new Date() };
    return await withInstanceLock(lock, () => putRight(config, context));
  } catch (error) {
    if (kindOf(error) !== 'already-running') throw error;
    return { exitCode: exitCodes.done, text: 'a run is going on, nothing was done', json: { done: [], failures: [] } };
  }
}

async function putRight(config: ClientConfig, context: CommandContext): Promise<CommandOutcome> {
  const log = context.logAt(config.logLevel);
  const { done, failures } = await undoAll(new InterventionLog(config.stateDir), collectors, {
    log,
    now: () => new Date(),
    commands: config.tools,
    lastingRunner: (signal) => loggedRunner(execaRunner(signal), log),
    warn: (message) => log.warn(message),
  });
  const removed = (await emptyStaging(config)).map(
    (name) => `removed ${join(config.baseBackupDir, stagingName, name)}`,
  );
  const all = [...done, ...removed];
  const failed = failures.map((failure) => ({ messages: messagesOf(failure), hint: failure.hint }));
  const lines = [
    ...failed.map(
      ({ messages, hint }) => `FAILED   ${messages.join(': ')}${hint === undefined ? '' : `\n    → ${hint}`}`,
    ),
    ...(all.length + failed.length === 0 ? ['nothing to put right'] : all),
  ];
  const exitCode = failed.length === 0 ? exitCodes.done : exitCodes.failed;
  return { exitCode, text: lines.join('\n'), json: { done: all, failures: failed } };
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
