import { parseDuration } from '#common/config/duration.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext, ServiceArchive } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import type { RunningProgram } from '#common/process/runner.ts';
import { type CommandOptions, type CommandTask, commandSchema } from './command-schema.ts';
import { isProgram } from './find-program.ts';

/** A program's standard output, to `command/<output>`. */
export const commandCollector: Collector<CommandOptions> = {
  name: 'command',
  taskKeys: ['command'],
  phase: 'live',
  schema: commandSchema,

  async check(options, context) {
    const tasks = tasksIn(options);
    const outputs = tasks.map(({ output }) => output);
    const twice = outputs.find((output, index) => outputs.indexOf(output) !== index);
    if (twice !== undefined) {
      throw new BackupError(`command: two programs write to "${twice}"`, { hint: 'Give each its own output.' });
    }
    for (const task of tasks) requireProgram(commandOf(task, context.configFolder));
  },

  async collect(options, context, archive) {
    for (const task of tasksIn(options)) await collectOutput(task, context, archive);
  },
};

function tasksIn(options: CommandOptions): readonly CommandTask[] {
  return [options].flat();
}

function commandOf(task: CommandTask, cwd: string): Command {
  const [file = '', ...args] = task.run;
  const timeoutMs = (parseDuration(task.timeout) ?? 0) * 1000;
  return { file, args, cwd, timeoutMs, ...(task.env !== undefined && { env: task.env }) };
}

function requireProgram({ file, cwd = '/', env }: Command): void {
  if (isProgram(file, cwd, env?.PATH)) return;
  throw new BackupError(`command: there is no program ${file}`, {
    hint: 'Install it, or give its path; one that begins with "./" counts from the folder of service.yaml.',
  });
}

async function collectOutput(task: CommandTask, context: CollectorContext, archive: ServiceArchive): Promise<void> {
  const command = commandOf(task, context.configFolder);
  const program = context.runner.start(command);
  program.stdin.end();
  try {
    await archive.addStream({ as: `command/${task.output}`, content: outputOf(program, command, task) });
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    context.warn(error.message);
  } finally {
    program.stop();
  }
}

/** The whole output; after its last byte it throws when the program did not end well, which cuts the file off again. */
async function* outputOf(program: RunningProgram, command: Command, task: CommandTask): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const part of program.stdout) {
    size += part.length;
    yield part;
  }
  checkEnd(command, task, await program.done, size);
}

/** The program said that there is nothing to save. */
class Skipped extends Error {}

function checkEnd(command: Command, task: CommandTask, result: CommandResult, size: number): void {
  const name = [command.file, ...command.args].join(' ');
  const { exitCode } = result;
  if (exitCode !== undefined && task.skip_exit_codes.includes(exitCode)) {
    throw new Skipped(`command: skipped ${task.output}: "${name}" ended with exit code ${exitCode}`);
  }
  if (exitCode !== 0) throw endedBadly(name, task, result);
  if (size === 0 && !task.allow_empty) {
    throw new BackupError(`command: "${name}" ended well and wrote nothing`, {
      hint: 'If that is right, set allow_empty: true.',
    });
  }
}

function endedBadly(
  name: string,
  task: CommandTask,
  { exitCode, signal, timedOut, stderr }: CommandResult,
): BackupError {
  const how = timedOut ? `took longer than ${task.timeout}` : `ended with ${signal ?? `exit code ${exitCode}`}`;
  const said = stderr.trim().split('\n').slice(-3).join(' / ');
  return new BackupError(`command: "${name}" ${how}${said === '' ? '' : `: ${said}`}`, {
    hint: timedOut
      ? 'Find out what it waits for, or set a longer timeout.'
      : 'Run it by hand as root; its exit code must be 0 when its output is whole.',
  });
}
