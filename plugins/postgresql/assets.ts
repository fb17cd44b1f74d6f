import { readdir } from 'node:fs/promises';
import type { Asset, Coverage, RecoveryContext } from '#common/plugin/collector.ts';
import { containerOf, mountsBelow } from '../database/container.ts';
import { asAccount } from '../database/place.ts';
import { firstProgram } from '../database/require-program.ts';
import { type Client, query, rowsOf, versionOf } from './commands.ts';
import { connectionOf, isLocal } from './connection.ts';
import { postgresqlFailure } from './failure.ts';
import { openClient } from './open-client.ts';
import type { PostgresqlOptions } from './postgresql-schema.ts';
import { askServer, selectDatabases } from './server.ts';

const kind = 'PostgreSQL database';
const defaultPort = 5432;

/** Where an image of the server keeps its data. */
const dataFolder = '/var/lib/postgresql';

/** The databases of every server that has a socket in the folder. */
export async function databasesOfMachine(
  context: RecoveryContext,
  folder = '/run/postgresql',
): Promise<readonly Asset[]> {
  const names = await readdir(folder).catch(() => []);
  const ports = names.flatMap((name) => /^\.s\.PGSQL\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const assets: Asset[] = [];
  for (const port of ports) assets.push(...(await databasesOf(folder, port, context)));
  return assets;
}

/** What a task covers by its name, and, when it saves all that a container's server has, the container's volume. */
export async function coverageOf(options: PostgresqlOptions, context: RecoveryContext): Promise<Coverage> {
  const connection = connectionOf(options);
  const { container } = options;
  if (container === undefined && !isLocal(connection, container)) return { assets: [], paths: [] };
  const client = await openClient(options, context);
  const server = await askServer(options, client, context);
  const selected = selectDatabases(options, server, context.taskKey);
  if (container === undefined) {
    return { assets: selected.map((name) => ({ kind, name: assetName(name, connection.port) })), paths: [] };
  }
  const isAll = server.databases.every(
    ({ name, isTemplate }) => isTemplate || name === 'postgres' || selected.includes(name),
  );
  return {
    assets: [],
    paths: isAll ? await mountsBelow(dataFolder, await containerOf(container, context), context) : [],
  };
}

/** A database of another port than the usual one carries the port: `5433/shop`. */
function assetName(database: string, port = defaultPort): string {
  return port === defaultPort ? database : `${port}/${database}`;
}

/** Without templates, and without the database `postgres` while nothing is in it. */
const sql = `select datname from pg_database where datallowconn and not datistemplate and (datname <> 'postgres' or exists (
  select from pg_class join pg_namespace n on n.oid = relnamespace
  where nspname !~ '^pg_' and nspname <> 'information_schema')) order by datname`;

async function databasesOf(host: string, port: number, context: RecoveryContext): Promise<readonly Asset[]> {
  const account = 'postgres';
  const connection = { host, port, user: undefined, account };
  const client: Client = { connection, place: asAccount(account), env: {}, pgDump: context.tools.pg_dump };
  if ((await firstProgram([versionOf('psql', client)], context)) === undefined) return [];
  const result = await context.runner.run(query(sql, 'postgres', client));
  if (/no such file|connection refused/i.test(result.stderr)) return []; // a socket that a server left when it died
  if (result.exitCode !== 0) throw postgresqlFailure(`${kind}s at the socket of port ${port}: asking for them`, result);
  return rowsOf(result.stdout).map((name) => ({ kind, name: assetName(name, port) }));
}
