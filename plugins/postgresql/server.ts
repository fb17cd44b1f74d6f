import type { RecoveryContext } from '#common/plugin/collector.ts';
import { chooseDatabases, type KnownDatabases, namedDatabases } from '../database/choose-databases.ts';
import { type Client, query, rowsOf } from './commands.ts';
import { postgresqlFailure } from './failure.ts';
import type { PostgresqlOptions } from './postgresql-schema.ts';

/** What a server says of itself. */
export interface Server {
  /** 15, and 9 for all of 9.x. */
  readonly majorVersion: number;
  /** All that take connections; a template is known, but not one of all. */
  readonly databases: KnownDatabases;
}

const sql = `select current_setting('server_version_num'), ''
  union all (select datname, datistemplate::text from pg_database where datallowconn order by datname)`;

/** Asks the server for its version and databases, by a connection to the first one that is wanted. */
export async function askServer(options: PostgresqlOptions, client: Client, context: RecoveryContext): Promise<Server> {
  const named = namedDatabases(options);
  const [first = 'postgres'] = named === 'all' ? [] : named;
  const result = await context.runner.run(query(sql, first, client));
  if (result.exitCode !== 0) throw postgresqlFailure(`${context.taskKey}: asking the server for ${first}`, result);
  return parseServer(result.stdout);
}

/** Rows that end with NUL, of two columns with `|` between: the version, then each database and whether it is a template. */
export function parseServer(output: string): Server {
  const [version = '', ...rows] = rowsOf(output);
  const columns = rows.map((row) => /^(.*)\|(true|false)$/s.exec(row) ?? []);
  const known = columns.flatMap(([, name]) => name ?? []);
  const all = columns.flatMap(([, name, isTemplate]) => (isTemplate === 'false' ? (name ?? []) : []));
  return { majorVersion: Math.floor(Number.parseInt(version, 10) / 10_000), databases: { known, all } };
}

/** The names of the databases that a task dumps. */
export function chosenOf(options: PostgresqlOptions, { databases }: Server, taskKey: string): readonly string[] {
  return chooseDatabases(options, databases, { taskKey, listCommand: 'psql --list' });
}
