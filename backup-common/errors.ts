/** Exit codes of all three programs; DESIGN: 0 done, 1 something failed, 2 usage, 70 a bug, 75 already running. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  bug: 70,
  alreadyRunning: 75,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export interface BackupErrorOptions {
  /** What the administrator should do next, one or two sentences. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Set only where a caller acts differently on this failure. */
  readonly kind?: string;
  /** The program's exit code when this error ends it; 1 when left out. */
  readonly exitCode?: number;
}

/**
 * A failure we expect: the message says what failed and names everything involved, the hint says what to do.
 * Anything else that is thrown is a bug of ours and ends the program with its stack and exit code 70.
 */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly hint: string | undefined;
  readonly kind: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: BackupErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.kind = options.kind;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** The messages of an error and of all its causes, outermost first. */
export function messagesOf(error: unknown): string[] {
  return chainOf(error).map(messageOf);
}

/** The first hint found on the error or on one of its causes. */
export function hintOf(error: unknown): string | undefined {
  return chainOf(error)
    .filter((link) => link instanceof BackupError)
    .find(({ hint }) => hint !== undefined)?.hint;
}

/** The first kind found on the error or on one of its causes. */
export function kindOf(error: unknown): string | undefined {
  return chainOf(error)
    .filter((link) => link instanceof BackupError)
    .find(({ kind }) => kind !== undefined)?.kind;
}

/** The error and its causes; ten at most, because nothing forbids a circle. */
export function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let current = error; current !== undefined && current !== null && chain.length < 10; ) {
    chain.push(current);
    current = current instanceof Error ? current.cause : undefined;
  }
  return chain;
}

/** Several failures in one, such as one for each address of a host, have no message of their own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message === '' && error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error.message === '' ? error.name : error.message;
}

/** True for a Node system error with that code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
