import { stat } from 'node:fs/promises';
import type { Asset, Coverage, RecoveryContext } from '#common/plugin/collector.ts';
import { assetName, coverageOf } from '../database/coverage.ts';
import { query } from './commands.ts';
import { isLocal, usualPort } from './connection.ts';
import { mariadbFailure } from './failure.ts';
import type { MariadbOptions } from './mariadb-schema.ts';
import { openClient, openForQuestions } from './open-client.ts';
import { askServer, chosenOf, parseServer, serverQuestion } from './server.ts';

const kind = 'MariaDB database';

/** The server's own accounts and rights, which nobody need save for the sake of data. */
const ofServer = 'mysql';

/** The databases of the server that has this socket. */
export async function databasesOfMachine(
  context: RecoveryContext,
  socket = '/run/mysqld/mysqld.sock',
): Promise<readonly Asset[]> {
  const isThere = (await stat(socket).catch(() => undefined)) !== undefined;
  const client = isThere ? await openForQuestions(context, { host: socket }) : undefined;
  if (client === undefined) return [];
  const result = await context.runner.run(query(serverQuestion, client));
  if (/\b2002\b/.test(result.stderr)) return []; // a socket that a server left when it died
  if (result.exitCode !== 0) throw mariadbFailure(`${kind}s: asking for them`, result);
  const { all } = parseServer(result.stdout).databases;
  return all.filter((name) => name !== ofServer).map((name) => ({ kind, name }));
}

/** What a task covers of this machine's databases and containers. */
export async function databasesCovered(options: MariadbOptions, context: RecoveryContext): Promise<Coverage> {
  const { container, port } = options;
  if (container === undefined && !isLocal(options)) return { assets: [], paths: [] };
  const server = await askServer(await openClient(options, context), context);
  const chosen = chosenOf(options, server, context.taskKey);
  const isAll = server.databases.all.every((name) => name === ofServer || chosen.includes(name));
  const names = chosen.map((name) => assetName(name, port, usualPort));
  return coverageOf({ kind, names, isAll, container, dataFolder: '/var/lib/mysql' }, context);
}
