import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { execa, type Options } from 'execa';
import { BackupError, hasCode } from '../errors.ts';
import type { Command, CommandResult } from './command.ts';
import type { Runner, RunningProgram } from './runner.ts';

const killDelayMs = 5000;
const keptStderrBytes = 64 * 1024;
const pipeBytes = 256 * 1024;

/** A Runner over real processes. When `signal` aborts, every running program is ended and none is started any more. */
export function execaRunner(signal?: AbortSignal): Runner {
  return {
    run: (command) => run(command, signal),
    start: (command) => start(command, signal),
  };
}

async function run(command: Command, signal: AbortSignal | undefined): Promise<CommandResult> {
  signal?.throwIfAborted();
  const subprocess = execa(command.file, command.args, {
    ...commonOptions(command, signal),
    ...(command.input === undefined ? { stdin: 'ignore' } : { input: command.input }),
    stripFinalNewline: false,
    maxBuffer: 256 * 1024 * 1024,
  });
  const isTimeUp = closePipesInTime(subprocess, command, signal);
  const result = await subprocess;
  const stdout = typeof result.stdout === 'string' ? result.stdout : '';
  return settled(command, result, { stdout, stderr: String(result.stderr ?? ''), isTimeUp: isTimeUp() });
}

function start(command: Command, signal: AbortSignal | undefined): RunningProgram {
  signal?.throwIfAborted();
  const subprocess = execa(command.file, command.args, {
    ...commonOptions(command, signal),
    buffer: false,
    encoding: 'buffer',
  });
  let stderr = '';
  subprocess.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptStderrBytes);
  });
  const { stdin, stdout } = subprocess;
  if (stdin === null || stdout === null) throw new Error('a started program has no pipes');
  const done = subprocess.then((result) => settled(command, result, { stdout: '', stderr, isTimeUp: isTimeUp() }));
  done.catch(() => undefined); // a caller that fails earlier does not wait for the end
  // execa empties a stream that nobody reads yet; behind a pipe of our own the output waits for its reader
  const output = stdout.pipe(new PassThrough({ highWaterMark: pipeBytes }));
  const isTimeUp = closePipesInTime(subprocess, command, signal, () => output.end());
  return { stdin, stdout: output, done, stop: () => subprocess.kill() };
}

/**
 * What a program started itself may live on after it, and hold its pipes open for ever. Nobody waits for that when we have
 * ended the program, its time is up, or the run is over. Tells in the end whether it was the time.
 */
function closePipesInTime(
  subprocess: ChildProcess,
  { timeoutMs }: Command,
  signal: AbortSignal | undefined,
  onClosed: () => void = () => undefined,
): () => boolean {
  const startedAt = performance.now();
  let isTimeUp = false;
  const close = (): void => {
    subprocess.stdout?.destroy();
    subprocess.stderr?.destroy();
    onClosed();
  };
  subprocess.once('exit', () => {
    if (subprocess.killed) return close();
    const leftMs = timeoutMs === undefined ? undefined : startedAt + timeoutMs - performance.now();
    const endInTime = (): void => {
      isTimeUp = true;
      close();
    };
    const timer = leftMs === undefined ? undefined : setTimeout(endInTime, leftMs);
    signal?.addEventListener('abort', close);
    subprocess.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', close);
    });
  });
  return () => isTimeUp;
}

function commonOptions(command: Command, signal: AbortSignal | undefined) {
  return {
    env: { LC_ALL: 'C', ...command.env },
    reject: false,
    forceKillAfterDelay: killDelayMs,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.timeoutMs === undefined ? {} : { timeout: command.timeoutMs }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  } satisfies Options;
}

interface ExecaOutcome {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly timedOut: boolean;
  readonly isCanceled: boolean;
  readonly durationMs: number;
  readonly cause?: unknown;
}

/**
 * Our own watch over the time may be a moment earlier than execa's. A program that we have told to end may say that it
 * ended well, as docker's client does; that is no exit code of what it was to do.
 */
function settled(
  command: Command,
  result: ExecaOutcome,
  { stdout, stderr, isTimeUp }: { readonly stdout: string; readonly stderr: string; readonly isTimeUp: boolean },
): CommandResult {
  if (result.exitCode === undefined && result.signal === undefined && !result.timedOut) {
    throw couldNotStart(command, result.cause);
  }
  const timedOut = result.timedOut || isTimeUp;
  const isEndedByUs = timedOut || result.isCanceled;
  const exitCode = isEndedByUs ? undefined : result.exitCode;
  const signal = result.signal ?? (isEndedByUs ? 'SIGTERM' : undefined);
  return { exitCode, signal, timedOut, stdout, stderr, durationMs: Math.round(result.durationMs) };
}

/** spawn says ENOENT for a missing program and for a missing folder to run it in. */
function couldNotStart({ file, cwd }: Command, cause: unknown): BackupError {
  if (cwd !== undefined && !existsSync(cwd)) return new BackupError(`cannot run ${file} in ${cwd}: no such folder`);
  const missing = hasCode(cause, 'ENOENT');
  return new BackupError(`cannot run ${file}${missing ? ': no such program' : ''}`, {
    cause,
    kind: 'program-missing',
    ...(missing ? { hint: `Install it, or set its path in the configuration (tools).` } : {}),
  });
}
