import type { Readable, Writable } from 'node:stream';
import type { Command, CommandResult } from './command.ts';

/** A running program whose streams the caller moves itself. */
export interface RunningProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the program has ended; `stdout` in the result is empty, `stderr` is its last 64 KiB. Never rejects
   * for an exit code or a signal; rejects with a BackupError when the program cannot be started. */
  readonly done: Promise<CommandResult>;
  /** Ends the program: SIGTERM, and SIGKILL after 5 s. */
  stop(): void;
}

/** The one way to run programs. What an exit code means is the caller's decision. */
export interface Runner {
  /** Runs to the end. Rejects with a BackupError when the program is missing or cannot be started. */
  run(command: Command): Promise<CommandResult>;
  start(command: Command): RunningProgram;
}
