/** A program to run, as data. There is no shell; user paths come after `--`; secrets go by `env` or `input`. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to our own environment. `LC_ALL=C` is always set, so that messages can be parsed. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Written to standard input, which is closed after it; without it standard input is empty. */
  readonly input?: string | Uint8Array;
  /** Milliseconds after which the program is ended (SIGTERM, SIGKILL 5 s later). */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** Undefined when a signal ended the program, or we told it to end. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}
