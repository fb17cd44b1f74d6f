import { BackupError, kindOf } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';

/** What to do about the failures of a program. */
export interface Advice {
  /** How to come by the program. */
  readonly install: string;
  /** The first pattern that is found in what the program said decides. */
  readonly hints: readonly (readonly [said: RegExp, hint: string])[];
  readonly otherwise: string;
}

type ToolContext = Pick<RecoveryContext, 'runner' | 'taskKey'>;

/**
 * Runs a program that must end with exit code 0, and gives its standard output. The error says what could not be done:
 * `zfs: cannot look at tank/srv: cannot open 'tank/srv': dataset does not exist`.
 */
export async function runTool(command: Command, what: string, context: ToolContext, advice: Advice): Promise<string> {
  const result = await tryTool(command, context, advice);
  if (result.exitCode !== 0) throw toolFailure(result, what, context, advice);
  return result.stdout;
}

/** As `runTool`, but what an exit code means is left to the caller. */
export async function tryTool(
  command: Command,
  { runner, taskKey }: ToolContext,
  { install }: Pick<Advice, 'install'>,
): Promise<CommandResult> {
  try {
    return await runner.run(command);
  } catch (error) {
    throw missingTool(error, command, taskKey, install);
  }
}

/** The failure to start a program, with the way to come by it; any other error as it is. */
function missingTool(error: unknown, { file }: Command, taskKey: string, install: string): unknown {
  if (kindOf(error) !== 'program-missing') return error;
  return new BackupError(`${taskKey}: there is no program ${file}`, { hint: install });
}

export function toolFailure(
  result: CommandResult,
  what: string,
  { taskKey }: Pick<ToolContext, 'taskKey'>,
  { hints, otherwise }: Pick<Advice, 'hints' | 'otherwise'>,
): BackupError {
  const said = result.timedOut ? 'it took too long' : firstWords(result);
  const hint = hints.find(([pattern]) => pattern.test(said))?.[1] ?? otherwise;
  return new BackupError(`${taskKey}: cannot ${what}: ${said}`, { hint });
}

function firstWords({ stderr, exitCode, signal }: CommandResult): string {
  const lines = stderr.trim().split('\n').slice(0, 3).join(' / ');
  return lines === '' ? `it ended with ${signal ?? `exit code ${exitCode}`}` : lines;
}
