import type { Command } from '#common/process/command.ts';
import type { Place } from '../database/place.ts';

/** All that the commands of one task have in common. */
export interface Client {
  readonly place: Place;
  /** The option file, which must be named first, and the way to the server. */
  readonly args: readonly string[];
  /** The password, if it is not in the option file. */
  readonly env: Readonly<Record<string, string>>;
  readonly dump: Program & { readonly version: DumpVersion };
  readonly client: Program;
}

/** A program's command as far as it is the same for all. */
export type Program = Pick<Command, 'file' | 'args'>;

export interface DumpVersion {
  readonly isMariadb: boolean;
  /** `8.0.36` is 80036. */
  readonly number: number;
}

/** How long a question may take. */
export const questionTimeoutMs = 60_000;

/** An answer is lines of columns with tabs between; see `rowsOf`. */
export function query(sql: string, { place, args, env, client }: Omit<Client, 'dump'>): Command {
  const form = ['--batch', '--skip-column-names', '--default-character-set=utf8mb4', '--connect-timeout=30'];
  return place({
    ...client,
    args: [...client.args, ...args, ...form, `--execute=${sql}`],
    env,
    timeoutMs: questionTimeoutMs,
  });
}

/** The rows of an answer to `query`. */
export function rowsOf(output: string): readonly (readonly string[])[] {
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.split('\t').map((value) => value.replace(/\\([nt0\\])/g, unescaped)));
}

/** One consistent picture without locking tables, with all that belongs to the database; the same bytes for the same content. */
const dumpArgs = [
  '--single-transaction',
  '--quick',
  '--routines',
  '--triggers',
  '--events',
  '--hex-blob',
  '--no-tablespaces',
  '--skip-dump-date',
  '--default-character-set=utf8mb4',
];

export function dump(
  database: string,
  { place, args, env, dump: program }: Client,
  options: readonly string[],
  timeoutMs: number,
): Command {
  const own = [...dumpArgs, ...transactionArgs(program.version), ...options, '--databases', '--', database];
  return place({ ...program, args: [...program.args, ...args, ...own], env, timeoutMs });
}

/**
 * MySQL's program writes which transactions (GTID) it holds as a statement, which a server takes from one dump only: as a
 * comment, several can be restored to it.
 */
function transactionArgs({ isMariadb, number }: DumpVersion): readonly string[] {
  if (isMariadb || number < 50609) return [];
  return [`--set-gtid-purged=${number < 80017 ? 'OFF' : 'COMMENTED'}`];
}

/** The option that writes the binary log's position into the dump, as a comment. */
export function binaryLogOption({ isMariadb, number }: DumpVersion): string {
  return isMariadb || number < 80026 ? '--master-data=2' : '--source-data=2';
}

/** `mysqldump  Ver 10.19 Distrib 10.11.6-MariaDB, …`, `mariadb-dump from 11.4.2-MariaDB, …` or `mysqldump  Ver 8.0.36 for …`. */
export function parseDumpVersion(output: string): DumpVersion | undefined {
  if (!/\b(mysqldump|mariadb-dump)\b/.test(output)) return undefined;
  const numbers = /(?:Distrib|from) (\d+)\.(\d+)\.(\d+)/.exec(output) ?? /Ver (\d+)\.(\d+)\.(\d+)/.exec(output);
  const [, major, minor, patch] = numbers ?? [];
  if (major === undefined) return undefined;
  return {
    isMariadb: /mariadb/i.test(output),
    number: Number(major) * 10_000 + Number(minor) * 100 + Number(patch),
  };
}

function unescaped(_all: string, letter: string): string {
  return { n: '\n', t: '\t', 0: '\0' }[letter] ?? letter;
}
