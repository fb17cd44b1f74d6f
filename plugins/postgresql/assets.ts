import { readdir } from 'node:fs/promises';
import type { Asset, Coverage, RecoveryContext } from '#common/plugin/collector.ts';
import { assetName, coverageOf } from '../database/coverage.ts';
import { asAccount } from '../database/place.ts';
import { firstProgram } from '../database/require-program.ts';
import { type Client, query, rowsOf, versionOf } from './commands.ts';
import { connectionOf, isLocal } from './connection.ts';
import { postgresqlFailure } from './failure.ts';
import { openClient } from './open-client.ts';
import type { PostgresqlOptions } from './postgresql-schema.ts';
import { askServer, chosenOf } from './server.ts';

const kind = 'PostgreSQL database';
const usualPort = 5432;

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

/** What a task covers of this machine's databases and containers. */
export async function databasesCovered(options: PostgresqlOptions, context: RecoveryContext): Promise<Coverage> {
  const { container } = options;
  const connection = connectionOf(options);
  if (container === undefined && !isLocal(connection)) return { assets: [], paths: [] };
  const server = await askServer(options, await openClient(options, context), context);
  const chosen = chosenOf(options, server, context.taskKey);
  const isAll = server.databases.all.every((name) => name === 'postgres' || chosen.includes(name));
  const names = chosen.map((name) => assetName(name, connection.port, usualPort));
  return coverageOf({ kind, names, isAll, container, dataFolder: '/var/lib/postgresql' }, context);
}

/** Without templates, and without the database `postgres` while nothing is in it. */
const sql = `select datname from pg_database where datallowconn and not datistemplate and (datname <> 'postgres' or exists (
  select from pg_class join pg_namespace n on n.oid = relnamespace
  where nspname !~ '^pg_' and nspname <> 'information_schema')) order by datname`;

async function databasesOf(host: string, port: number, context: RecoveryContext): Promise<readonly Asset[]> {
  const account = 'postgres';
  const connection = { host, port, user: undefined, account };
  const client: Client = { connection, place: asAccount(account), env: {}, pgDump: context.tools.pg_dump };
  if ((await firstProgram([versionOf('psql', client)], client.place, context)) === undefined) return [];
  const result = await context.runner.run(query(sql, 'postgres', client));
  if (/no such file|connection refused/i.test(result.stderr)) return []; // a socket that a server left when it died
  if (result.exitCode !== 0) throw postgresqlFailure(`${kind}s at the socket of port ${port}: asking for them`, result);
  return rowsOf(result.stdout).map((name) => ({ kind, name: assetName(name, port, usualPort) }));
}
