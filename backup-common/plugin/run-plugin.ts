import type { Readable } from 'node:stream';
import { parseDuration } from '../config/duration.ts';
import { BackupError } from '../errors.ts';
import type { Command, CommandResult } from '../process/command.ts';
import type { Runner } from '../process/runner.ts';

export interface PluginRun {
  readonly command: Omit<Command, 'timeoutMs'>;
  /** The call in messages. */
  readonly name: string;
  /** A duration such as `10s`; without it nothing but the runner's signal ends it. */
  readonly timeout?: string | undefined;
  /** Whether it may print more than a MiB, which is then dropped. */
  readonly isChatty?: boolean;
}

const keptBytes = 1024 ** 2;

/**
 * Runs a plugin to its end; `stdout` in the result is its first MiB. What its exit code means is for the caller. A BackupError
 * when it could not be started, took too long, was killed, or prints without end.
 */
export async function runPlugin(
  { command, name, timeout, isChatty = false }: PluginRun,
  runner: Runner,
): Promise<CommandResult> {
  const timeoutMs = timeout === undefined ? undefined : (parseDuration(timeout) ?? 0) * 1000;
  const program = runner.start({ ...inGroup(command), ...(timeoutMs !== undefined && { timeoutMs }) });
  program.stdin.on('error', () => undefined); // it need not read it
  program.stdin.end(command.input);
  const reading = firstBytes(program.stdout, isChatty).then((read) => {
    if (read === 'too much') program.stop();
    return read;
  });
  const [stdout, result] = await Promise.all([reading, program.done]);
  const problem =
    stdout === 'too much' ? tooMuch(name) : (startProblem(command.file, result) ?? endProblem(name, timeout, result));
  if (problem !== undefined) throw problem;
  return { ...result, stdout: String(stdout) };
}

/**
 * coreutils' timeout, without a time of its own: it puts the plugin into a process group, and when it is told to end
 * it tells all that the plugin has started.
 */
function inGroup(command: PluginRun['command']): PluginRun['command'] {
  return { ...command, file: 'timeout', args: ['--kill-after=3s', '0', command.file, ...command.args] };
}

/** The kernel says the same when the interpreter in its first line is missing. */
function startProblem(path: string, { exitCode, stderr }: CommandResult): BackupError | undefined {
  const said = /^timeout: failed to run command .*: (.*)$/m.exec(stderr)?.[1];
  if (said === undefined || (exitCode !== 126 && exitCode !== 127)) return undefined;
  return new BackupError(`${path} cannot be started: ${said}`, {
    hint: 'Is there the program that its first line names? A file from another system may end its lines with CR LF.',
  });
}

function endProblem(name: string, timeout: string | undefined, result: CommandResult): BackupError | undefined {
  if (result.timedOut) {
    return new BackupError(`${name} took longer than ${timeout}${lastWords(result)}`, {
      hint: 'Find out what it waits for, or give it more time.',
    });
  }
  if (result.signal !== undefined) {
    return new BackupError(`${name} was ended by ${result.signal}${lastWords(result)}`, {
      hint: 'Where nobody ended it, SIGKILL is the kernel that ran out of memory; "journalctl -k" tells.',
    });
  }
  return undefined;
}

/** What a program said last on standard error, to follow what happened. */
export function lastWords({ stderr }: CommandResult): string {
  const lines = stderr.trim().split('\n').slice(-3).join(' / ');
  return lines === '' ? '' : `: ${lines}`;
}

async function firstBytes(stream: Readable, isChatty: boolean): Promise<Buffer | 'too much'> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    if (size < keptBytes) parts.push(part);
    size += part.length;
    if (size > keptBytes && !isChatty) return 'too much';
  }
  return Buffer.concat(parts);
}

function tooMuch(name: string): BackupError {
  return new BackupError(`${name} printed more than ${keptBytes / 1024 ** 2} MiB`, {
    hint: 'Standard output is for messages only. Data goes into files in the work folder, the rest to standard error.',
  });
}
