import { BackupError, hintOf } from '#common/errors.ts';
import type { Log } from '#common/log.ts';
import type { Collector, RecoveryContext, ToolCommands } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';
import type { InterventionKind, InterventionLog, LoggedIntervention } from './intervention-log.ts';

export interface RecoveryTools {
  readonly log: Log;
  readonly now: () => Date;
  readonly commands: ToolCommands;
  /** Programs that do not end with the run, but with their own signal. */
  readonly lastingRunner: (signal: AbortSignal) => Runner;
}

const words: Readonly<Record<InterventionKind, { readonly open: string; readonly done: string }>> = {
  stop: { open: 'is not running again', done: 'started again' },
  snapshot: { open: 'still has its snapshot', done: 'snapshot removed' },
  cleanup: { open: 'is not cleaned up', done: 'cleaned up' },
};

/** Undoes one intervention and strikes it off the list; while that fails it stays on it. */
export async function undo(
  logged: LoggedIntervention,
  collector: Collector,
  context: RecoveryContext,
  log: InterventionLog,
): Promise<void> {
  const name = `${logged.service.type}/${logged.service.name}`;
  try {
    await collector[logged.kind]?.end(logged.state, context);
  } catch (error) {
    throw new BackupError(`${name} ${words[logged.kind].open}${context.signal.aborted ? ': it took too long' : ''}`, {
      cause: error,
      ...(logged.kind === 'stop' && { kind: 'still-stopped' }),
      hint: hintOf(error) ?? 'Look at it by hand; "local-backup recover" tries once more.',
    });
  }
  await log.close(logged);
}

/** What has been undone, in words, and what has not, as errors. */
export interface Undone {
  readonly done: readonly string[];
  readonly failures: readonly BackupError[];
}

/** How long one thing that an interrupted run has left may take. */
const leftoverTimeoutMs = 10 * 60_000;

/** Undoes all that is on the list, as a run that was killed has left it. One failure does not keep the rest. */
export async function undoAll(
  log: InterventionLog,
  collectors: readonly Collector[],
  tools: RecoveryTools & { warn(message: string): void },
): Promise<Undone> {
  const done: string[] = [];
  const failures: BackupError[] = [];
  for (const logged of await log.all()) {
    const { service, taskKey, kind } = logged;
    try {
      const collector = collectors.find(({ taskKeys }) => taskKeys.includes(taskKey));
      if (collector === undefined) throw unknownTask(logged);
      await undo(logged, collector, recoveryContext(service, taskKey, leftoverTimeoutMs, tools), log);
      done.push(`${service.type}/${service.name}: ${words[kind].done} after an interrupted run (${taskKey})`);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      failures.push(error);
    }
  }
  return { done, failures };
}

/** What undoing needs; its time is limited, and the end of the run does not end it. */
export function recoveryContext(
  { type, name }: RecoveryContext['service'],
  taskKey: string,
  timeoutMs: number,
  tools: RecoveryTools & { warn(message: string): void },
): RecoveryContext {
  const signal = AbortSignal.timeout(timeoutMs);
  return {
    service: { type, name },
    taskKey,
    log: tools.log,
    runner: tools.lastingRunner(signal),
    signal,
    now: tools.now,
    tools: tools.commands,
    warn: tools.warn,
  };
}

function unknownTask({ taskKey, file }: LoggedIntervention): BackupError {
  return new BackupError(`${file} is of the task "${taskKey}", which no collector answers to`, {
    hint: 'Bring the plugin back, or undo by hand what the file says and remove it.',
  });
}
