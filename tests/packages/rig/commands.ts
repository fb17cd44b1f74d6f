import type { Command, CommandResult } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

const runner = execaRunner();

/** Runs a program of this machine to its end; 10 minutes at most where nothing else is said. */
export function run(file: string, args: readonly string[], options: Partial<Command> = {}): Promise<CommandResult> {
  return runner.run({ timeoutMs: 600_000, ...options, file, args });
}

/** The same for a program that must succeed; its standard output. Rejects with all it said. */
export async function must(file: string, args: readonly string[], options: Partial<Command> = {}): Promise<string> {
  return succeeded(`${file} ${args.join(' ')}`, await run(file, args, options));
}

/** The standard output, or an error with what the program said at its end. */
export function succeeded(what: string, { exitCode, signal, timedOut, stdout, stderr }: CommandResult): string {
  if (exitCode === 0) return stdout;
  const ended = timedOut
    ? 'took too long'
    : exitCode === undefined
      ? `was ended by ${signal}`
      : `ended with ${exitCode}`;
  throw new Error(`${what} ${ended}:\n${(stdout + stderr).split('\n').slice(-40).join('\n')}`);
}
