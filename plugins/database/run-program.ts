import type { Command } from '#common/process/command.ts';
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
