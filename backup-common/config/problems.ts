import { BackupError, exitCodes } from '../errors.ts';

/** Something wrong in a configuration file, and where. */
export interface Problem {
  readonly file: string;
  /** From 1; undefined when it concerns the file as a whole. */
  readonly line?: number;
  readonly column?: number;
  /** The key's path, such as `hosts[0].ssh_port`; empty for the file as a whole. */
  readonly path?: string;
  /** What is wrong and what to do about it. */
  readonly message: string;
}

/** Gathers the problems of all files, so that one look shows them all. */
export class Problems {
  readonly list: Problem[] = [];

  add(problem: Problem): void {
    this.list.push(problem);
  }

  /** Throws one BackupError (exit code 2) with a line for each problem. */
  throwIfAny(): void {
    if (this.list.length === 0) return;
    const count = this.list.length === 1 ? '1 problem' : `${this.list.length} problems`;
    throw new BackupError(
      `the configuration has ${count}, nothing was done:\n${this.list.map(formatProblem).join('\n')}`,
      {
        kind: 'configuration',
        exitCode: exitCodes.usage,
      },
    );
  }
}

/** `file:line:column: path: what is wrong`, the form that editors jump to. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return [place, ...(path === undefined || path === '' ? [] : [path]), message].join(': ');
}
