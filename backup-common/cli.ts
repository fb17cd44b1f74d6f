import { Command, CommanderError } from 'commander';
import { createLog, type LogLevel } from './create-log.ts';
import { BackupError, exitCodes, hintOf, messagesOf } from './errors.ts';
import { keepHeapLean } from './lean-heap.ts';
import type { Log } from './log.ts';
import { nearest } from './nearest.ts';
import { redact } from './redact.ts';
import { abortOnSignals } from './stop-signals.ts';

/** What a command is given. */
export interface CommandContext {
  readonly args: readonly string[];
  /** The command's own options, by their long names in camel case. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly configDir: string;
  readonly dryRun: boolean;
  readonly quiet: boolean;
  /** A log at the level of the flags, or else at that of the configuration. */
  logAt(configured: LogLevel): Log;
  /** Aborts on SIGTERM, SIGINT and SIGHUP. */
  readonly signal: AbortSignal;
}

/** What it gives back: the text for people, or the same as data for `--json`. */
export interface CommandOutcome {
  readonly exitCode: number;
  readonly text: string;
  readonly json: unknown;
}

/** In commander's form, such as `-d, --dry-run` or `--to <DIR>`. */
export type OptionSpec = readonly [flags: string, description: string];

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** In commander's form, for example `<HOST>` or `[HOST...]`. */
  readonly arguments?: string;
  readonly options?: readonly OptionSpec[];
  readonly examples?: readonly string[];
  readonly run: (context: CommandContext) => Promise<CommandOutcome>;
}

export interface ProgramSpec {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** The first one is run when none is named. */
  readonly commands: readonly CommandSpec[];
}

/** What every program understands, before and after the command; a third value is the default. */
export const globalOptions: ReadonlyArray<readonly [...option: OptionSpec, value?: string]> = [
  ['-d, --dry-run', 'go through everything and change nothing'],
  ['-v, --verbose', 'log every command that is run'],
  ['-q, --quiet', 'log and print errors only'],
  ['--json', 'print the result as JSON'],
  ['--config-dir <DIR>', 'folder of the configuration', '/etc/backup'],
];
export const versionOption: OptionSpec = ['-V, --version', 'print the version'];
export const helpOption: OptionSpec = ['-h, --help', 'print this help'];

export const exitCodesText = `Exit codes: 0 done (with or without warnings), 1 something failed, 2 wrong usage or configuration,
70 a bug in this program, 75 already running, 129, 130 and 143 ended by a signal.`;

/** Reads the command line, runs the command, prints its outcome and sets the exit code. The only place that does. */
export async function runProgram(spec: ProgramSpec, argv: readonly string[]): Promise<void> {
  keepHeapLean();
  const stop = new AbortController();
  const signalled = abortOnSignals(stop);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // a reader that went away
  process.on('uncaughtException', (error) => {
    if (!isAbort(error, stop.signal)) process.exit(report(error, spec.name));
  });
  const program = buildProgram(spec, stop.signal);
  try {
    rejectUnknownCommand(spec, program.parseOptions([...argv]).operands[0]);
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = isAbort(error, stop.signal) ? exitCodes.failed : report(error, spec.name);
  }
  const code = signalled();
  if (code !== undefined) process.exitCode = code;
  endOncePrinted();
}

/** A connection that its peer never closes, such as one to a frozen mail server, must not keep a program that is done. */
function endOncePrinted(): void {
  const isPrinted = () => process.stdout.writableLength + process.stderr.writableLength === 0;
  setInterval(() => isPrinted() && process.exit(), lingerMs).unref();
}

const lingerMs = 1000;

/** What an aborted wait rejects with. The run's own reason is a BackupError and is told as one. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error instanceof Error && error.name === 'AbortError';
}

function buildProgram(spec: ProgramSpec, signal: AbortSignal): Command {
  const program = new Command(spec.name)
    .description(spec.summary)
    .version(`${spec.name} Version ${spec.version}`, ...versionOption)
    .helpOption(...helpOption)
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', `\n${exitCodesText}`);
  for (const [flags, description, value] of globalOptions) program.option(flags, description, value);
  for (const command of spec.commands) addCommand(program, spec, command, signal);
  return program;
}

function addCommand(program: Command, spec: ProgramSpec, command: CommandSpec, signal: AbortSignal): void {
  const isDefault = command === spec.commands[0];
  const built = program.command(command.name, { isDefault }).description(command.summary).exitOverride();
  if (command.arguments !== undefined) for (const argument of command.arguments.split(' ')) built.argument(argument);
  for (const [flags, description] of command.options ?? []) built.option(flags, description);
  if (command.examples !== undefined) {
    const lines = command.examples.map((example) => `  ${spec.name} ${example}`);
    built.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  }
  built.action(async () => {
    const flags = program.opts<GlobalFlags>();
    const outcome = await command.run({
      args: built.args,
      options: built.opts(),
      configDir: flags.configDir,
      dryRun: flags.dryRun === true,
      quiet: flags.quiet === true,
      logAt: (configured) => createLog(spec.name, flags.verbose === true ? 3 : flags.quiet === true ? 0 : configured),
      signal,
    });
    process.exitCode = outcome.exitCode;
    await print(flags.json === true ? `${JSON.stringify(outcome.json, null, 2)}\n` : textOf(outcome, flags));
  });
}

interface GlobalFlags {
  readonly configDir: string;
  readonly dryRun?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

function textOf(outcome: CommandOutcome, flags: GlobalFlags): string {
  if (outcome.text === '' || (flags.quiet === true && outcome.exitCode === exitCodes.done)) return '';
  return outcome.text.endsWith('\n') ? outcome.text : `${outcome.text}\n`;
}

/** A word that is no command would be an argument of the default command; where that takes none it is a mistake. */
function rejectUnknownCommand(spec: ProgramSpec, first: string | undefined): void {
  const names = spec.commands.map((command) => command.name);
  if (first === undefined || names.includes(first) || spec.commands[0]?.arguments !== undefined) return;
  const near = nearest(first, names);
  throw new BackupError(`there is no command "${first}"`, {
    exitCode: exitCodes.usage,
    hint: near === undefined ? `See ${spec.name} --help.` : `Did you mean "${near}"?`,
  });
}

/** Waits until the text has left, so that no pipe is cut short when the process ends. */
async function print(text: string): Promise<void> {
  if (text !== '') await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
}

/** Prints an error once and tells the exit code it stands for. */
function report(error: unknown, programName: string): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof BackupError) {
    const [first, ...causes] = messagesOf(error);
    const hint = hintOf(error);
    const lines = [`${programName}: ${first}`, ...causes.map((cause) => `  because ${cause}`)];
    if (hint !== undefined) lines.push(`  → ${hint}`);
    process.stderr.write(redact(`${lines.join('\n')}\n`));
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(redact(`${programName}: a bug in this program, please report it:\n${stack}\n`));
  return exitCodes.bug;
}
