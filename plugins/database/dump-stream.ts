import { BackupError } from '#common/errors.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import type { Runner, RunningProgram } from '#common/process/runner.ts';

export interface DumpCheck {
  /** Names the task and the dump in messages: `postgresql: the dump of shop`. */
  readonly what: string;
  /** What the last line of a whole dump has, if there is such a line. */
  readonly trailer?: string;
  /** The error for a dump program that did not end well. */
  readonly failure: (result: CommandResult) => BackupError;
}

const keptTailBytes = 1024;

/**
 * What a dump program writes. After the last byte it throws a BackupError when the program did not end well, wrote
 * nothing, or the trailer is missing: an exit code of 0 alone does not prove a dump.
 */
export async function* dumpStream(runner: Runner, command: Command, check: DumpCheck): AsyncGenerator<Buffer> {
  const program = runner.start(command);
  program.stdin.end();
  try {
    let tail: Buffer = Buffer.alloc(0);
    for await (const part of program.stdout) {
      tail = Buffer.concat([tail, part.subarray(-keptTailBytes)]).subarray(-keptTailBytes);
      yield part;
    }
    const result = await program.done;
    if (result.exitCode !== 0) throw check.failure(result);
    requireWhole(tail, check);
  } finally {
    program.stop();
  }
}

function requireWhole(tail: Buffer, { what, trailer }: DumpCheck): void {
  if (tail.length === 0) throw notWhole(`${what} is empty`);
  if (trailer !== undefined && !tail.includes(trailer)) throw notWhole(`${what} is cut off: it has no "${trailer}"`);
}

function notWhole(message: string): BackupError {
  return new BackupError(message, { hint: 'The dump program ended well all the same; is the one you expect in PATH?' });
}

/**
 * Passes a stream on while a program reads it too, and throws after its last byte when the program ends with another
 * exit code than 0. A failure of the stream itself comes first.
 */
export async function* readAlsoBy(
  runner: Runner,
  reader: Command,
  content: AsyncIterable<Buffer>,
  failure: (result: CommandResult) => BackupError,
): AsyncGenerator<Buffer> {
  const program = runner.start(reader);
  program.stdin.on('error', () => undefined); // a reader that ends early is judged by its exit code
  program.stdout.resume();
  try {
    for await (const part of content) {
      await written(program, part);
      yield part;
    }
    program.stdin.end();
    const result = await program.done;
    if (result.exitCode !== 0) throw failure(result);
  } finally {
    program.stop();
  }
}

/** Also when the program reads no more. */
function written({ stdin }: RunningProgram, part: Buffer): Promise<void> {
  return new Promise((resolve) => stdin.write(part, () => resolve()));
}
