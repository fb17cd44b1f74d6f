import { BackupError } from '#common/errors.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import type { Runner } from '#common/process/runner.ts';

export interface Measured {
  /** Seconds, one for each run. */
  readonly seconds: readonly number[];
  /** What came of it, where that matters: bytes of an archive, bytes received. */
  readonly bytes?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** Seconds that a step takes. */
export async function timed(step: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await step();
  return (performance.now() - start) / 1000;
}

/** Runs a command that must end well. */
export async function must(runner: Runner, command: Command): Promise<CommandResult> {
  return good(command.file, await runner.run(command));
}

export function good(name: string, result: CommandResult): CommandResult {
  if (result.exitCode === 0) return result;
  throw new BackupError(`${name} ended with ${result.exitCode}: ${result.stdout}${result.stderr.slice(-2000)}`);
}
