import type { RecoveryContext } from '#common/plugin/collector.ts';
import { chooseDatabases, type KnownDatabases } from '../database/choose-databases.ts';
import { binaryLogOption, type Client, query, rowsOf } from './commands.ts';
import { mariadbFailure } from './failure.ts';
import type { MariadbOptions } from './mariadb-schema.ts';

/** What a server says of itself. */
export interface Server {
  readonly isMariadb: boolean;
  /** `8.4.2` is 8.04. */
  readonly version: number;
  readonly hasBinaryLog: boolean;
  readonly databases: KnownDatabases;
}

/** Databases that a server makes itself, with nothing of its own in them. */
const madeByServer = ['information_schema', 'performance_schema', 'sys'];

/** What `parseServer` reads the answer to. */
export const serverQuestion = 'select version(), @@log_bin; show databases';

/** Asks the server for its version and databases. Throws a BackupError when it does not answer. */
export async function askServer(client: Omit<Client, 'dump'>, context: RecoveryContext): Promise<Server> {
  const result = await context.runner.run(query(serverQuestion, client));
  if (result.exitCode !== 0) throw mariadbFailure(`${context.taskKey}: asking the server for its databases`, result);
  return parseServer(result.stdout);
}

/** Version and binary log in the first row, then a row for each database. */
export function parseServer(output: string): Server {
  const [[version = '', binaryLog] = [], ...rows] = rowsOf(output);
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const known = rows.flatMap(([name]) => name ?? []);
  return {
    isMariadb: /mariadb/i.test(version),
    version: Number(major) + Number(minor) / 100,
    hasBinaryLog: binaryLog === '1',
    databases: { known, all: known.filter((name) => !madeByServer.includes(name)) },
  };
}

/** The names of the databases that a task dumps. */
export function chosenOf(options: MariadbOptions, { databases }: Server, taskKey: string): readonly string[] {
  return chooseDatabases(options, databases, { taskKey, listCommand: 'mariadb-show' });
}

/** The option for the binary log's position, where the server has one and the user may see it. */
export async function binaryLogArgs(
  client: Client,
  server: Server,
  context: RecoveryContext,
): Promise<readonly string[]> {
  if (!server.hasBinaryLog) return [];
  const problem = await binaryLogProblem(client, server, context);
  if (problem === undefined) return [binaryLogOption(client.dump.version)];
  context.log.debug({ service: context.service.name, problem }, 'the dump has no position of the binary log');
  return [];
}

/** MySQL's program takes a short global lock for it, which needs a right of its own; MariaDB's does without. */
async function binaryLogProblem(
  client: Client,
  server: Server,
  { runner }: RecoveryContext,
): Promise<string | undefined> {
  const status = server.isMariadb || server.version < 8.02 ? 'show master status' : 'show binary log status';
  const { exitCode, stderr } = await runner.run(query(status, client));
  if (exitCode !== 0) return stderr.trim();
  if (server.isMariadb && client.dump.version.isMariadb) return undefined;
  const grants = await runner.run(query('show grants', client));
  return mayLockAll(grants.stdout) ? undefined : 'the user has no RELOAD';
}

export function mayLockAll(grants: string): boolean {
  return grants.split('\n').some((line) => /^GRANT .*\b(ALL PRIVILEGES|RELOAD)\b.* ON \*\.\*/.test(line));
}
