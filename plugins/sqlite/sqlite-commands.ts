import { pathToFileURL } from 'node:url';
import type { Command } from '#common/process/command.ts';

export interface CopyRequest {
  readonly source: string;
  /** Nobody has the source open: it is read without locks and without a file beside it. */
  readonly isIdle: boolean;
  readonly folder: string;
  /** The name of the copy in the folder. */
  readonly name: string;
  readonly busyTimeoutMs: number;
  readonly timeoutMs: number;
}

/**
 * All pages are copied within one read transaction. `.backup` by itself lets go of it every 100 pages, and begins anew
 * whenever somebody has written in between, so that with a busy writer it would never end.
 */
export function copyCommand({ source, isIdle, folder, name, busyTimeoutMs, timeoutMs }: CopyRequest): Command {
  const steps = [
    `.timeout ${busyTimeoutMs}`,
    'BEGIN',
    'SELECT 1 FROM sqlite_master LIMIT 0',
    `.backup ${name}`,
    'COMMIT',
  ];
  return { ...sqlite3(databaseUri(source, isIdle ? 'immutable=1' : 'mode=ro'), steps), cwd: folder, timeoutMs };
}

/** Prints `ok`, or what is wrong, a line for each. */
export function integrityCommand(path: string, check: 'full' | 'quick', timeoutMs: number): Command {
  const pragma = check === 'full' ? 'integrity_check' : 'quick_check';
  return { ...sqlite3(databaseUri(path, 'immutable=1'), [`PRAGMA ${pragma}(5)`]), timeoutMs };
}

/** Without anybody's ~/.sqliterc, and ended by the first error. */
function sqlite3(database: string, steps: readonly string[]): Command {
  return { file: 'sqlite3', args: ['-batch', '-bail', '-init', '/dev/null', database, ...steps] };
}

function databaseUri(path: string, parameter: string): string {
  return `${pathToFileURL(path).href}?${parameter}`;
}
