import type { RecoveryContext } from '#common/plugin/collector.ts';
import { containerOf, dockerOf } from '../database/container.ts';
import { passwordFile, readPassword } from '../database/credentials.ts';
import { asAccount, inContainer, onThisMachine, type Place } from '../database/place.ts';
import type { Client } from './commands.ts';
import { type Connection, connectionOf } from './connection.ts';
import type { PostgresqlOptions } from './postgresql-schema.ts';

/** Finds out where the client programs run and reads the secret. Throws a BackupError when one of them is not there. */
export async function openClient(options: PostgresqlOptions, context: RecoveryContext): Promise<Client> {
  const connection = connectionOf(options);
  return {
    connection,
    place: await placeOf(options, connection, context),
    env: await credentialsOf(options, connection, context.taskKey),
    pgDump: options.container === undefined ? context.tools.pg_dump : 'pg_dump',
  };
}

async function placeOf(
  { container }: PostgresqlOptions,
  { account }: Connection,
  context: RecoveryContext,
): Promise<Place> {
  if (container !== undefined) {
    return inContainer(dockerOf(context.tools.docker), await containerOf(container, context), account);
  }
  return account === undefined ? onThisMachine : asAccount(account);
}

async function credentialsOf(
  { password, pgpass, container }: PostgresqlOptions,
  { account }: Connection,
  taskKey: string,
): Promise<Readonly<Record<string, string>>> {
  if (password !== undefined) return { PGPASSWORD: await readPassword(password, taskKey) };
  if (container !== undefined || (account !== undefined && pgpass === undefined)) return {};
  const file = await passwordFile(pgpass, '/root/.pgpass', {
    taskKey,
    hint: 'It must be root\'s own with mode 600, with lines of the form "host:port:database:role:password".',
  });
  return file === undefined ? {} : { PGPASSFILE: file };
}
