import { kindOf } from '#common/errors.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import type { Runner } from '#common/process/runner.ts';
import { type Hints, programFailure } from './program-failure.ts';

/**
 * Runs a program that must end with exit code 0, and gives its standard output. Throws a BackupError otherwise; `what`
 * names the task and what the program was to do.
 */
export async function runProgram(runner: Runner, command: Command, what: string, hints: Hints): Promise<string> {
  const result = await runner.run(command);
  if (result.exitCode !== 0) throw programFailure(what, result, hints);
  return result.stdout;
}

/** How a program ended; undefined when it is not installed, on this machine or in the container that it runs in. */
export async function runIfInstalled(runner: Runner, command: Command): Promise<CommandResult | undefined> {
  try {
    const result = await runner.run(command);
    return result.exitCode === 126 || result.exitCode === 127 ? undefined : result;
  } catch (error) {
    if (kindOf(error) !== 'program-missing') throw error;
    return undefined;
  }
}
