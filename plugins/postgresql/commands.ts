import type { Command } from '#common/process/command.ts';
import type { Place } from '../database/place.ts';
import { programBeside } from '../database/program-beside.ts';
import type { Connection } from './connection.ts';

export type ClientProgram = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql';

/** All that the commands of one task have in common. */
export interface Client {
  readonly connection: Connection;
  readonly place: Place;
  /** Password or password file, by the variables of libpq. */
  readonly env: Readonly<Record<string, string>>;
  /** The configured pg_dump, maybe with words in front; the others lie beside it. */
  readonly pgDump: string;
}

/** How long a question may take. */
const questionTimeoutMs = 60_000;

/** Not yet at its place. */
export function versionOf(program: ClientProgram, client: Pick<Client, 'pgDump'>): Command {
  return { ...programOf(program, client, ['--version']), timeoutMs: questionTimeoutMs };
}

/** A query whose answer's rows end with NUL, since a name may hold any other character. */
export function query(sql: string, database: string, client: Client): Command {
  const args = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--record-separator-zero'];
  const command = [...args, ...nameArgs(database), '--command', sql];
  const env = { ...client.env, PGCLIENTENCODING: 'UTF8' };
  return connecting('psql', command, { ...client, env }, questionTimeoutMs);
}

/** The rows of an answer to `query`. */
export function rowsOf(output: string): readonly string[] {
  return output.split('\0').filter((row) => row !== '');
}

/** Without compression: the archive compresses, and restic recognises what has not changed only in plain bytes. */
export function dump(
  database: string,
  format: 'custom' | 'plain',
  options: readonly string[],
  client: Client,
  timeoutMs: number,
): Command {
  const args = [`--format=${format}`, '--compress=0', ...options, ...nameArgs(database)];
  return connecting('pg_dump', args, client, timeoutMs);
}

/** Into an empty folder that is there and belongs to the account that runs it. */
export function dumpToFolder(
  database: string,
  folder: string,
  options: readonly string[],
  client: Client,
  timeoutMs: number,
): Command {
  const args = ['--format=directory', '--compress=0', `--file=${folder}`, ...options, ...nameArgs(database)];
  return connecting('pg_dump', args, client, timeoutMs);
}

export function dumpGlobals(client: Client, timeoutMs: number): Command {
  return connecting('pg_dumpall', ['--globals-only'], client, timeoutMs);
}

/** Reads a whole dump, from standard input or a folder, and writes nothing: fails where it is cut off or damaged. */
export function readDump(client: Client, timeoutMs: number, folder?: string): Command {
  const args = ['--file=/dev/null', ...(folder === undefined ? ['--format=custom'] : ['--format=directory', folder])];
  const command = { ...programOf('pg_restore', client, args), timeoutMs };
  return folder === undefined ? client.place(command) : command;
}

function connecting(program: ClientProgram, args: readonly string[], client: Client, timeoutMs: number): Command {
  const { host, port, user } = client.connection;
  const connection = [
    ...(host === undefined ? [] : [`--host=${host}`]),
    ...(port === undefined ? [] : [`--port=${port}`]),
    ...(user === undefined ? [] : [`--username=${user}`]),
    '--no-password',
  ];
  const env = { PGCONNECT_TIMEOUT: '30', ...client.env };
  return client.place({ ...programOf(program, client, [...connection, ...args]), env, timeoutMs });
}

function programOf(
  program: ClientProgram,
  { pgDump }: Pick<Client, 'pgDump'>,
  args: readonly string[],
): Pick<Command, 'file' | 'args'> {
  return programBeside(pgDump, program === 'pg_dump' ? undefined : program, args);
}

/** As a connection string, because a bare name that has a "=" would be taken for one. */
function nameArgs(database: string): readonly string[] {
  return [`--dbname=dbname='${database.replace(/[\\']/g, '\\$&')}'`];
}
