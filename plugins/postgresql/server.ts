import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { type Client, query, rowsOf } from './commands.ts';
import { postgresqlFailure } from './failure.ts';
import type { PostgresqlOptions } from './postgresql-schema.ts';

/** What a server says of itself. */
export interface Server {
  /** 15, and 9 for all of 9.x. */
  readonly majorVersion: number;
  readonly databases: readonly { readonly name: string; readonly isTemplate: boolean }[];
}

const sql = `select current_setting('server_version_num'), ''
  union all (select datname, datistemplate::text from pg_database where datallowconn order by datname)`;

/** Asks the server for its version and databases, by a connection to the first one that is wanted. */
export async function askServer(options: PostgresqlOptions, client: Client, context: RecoveryContext): Promise<Server> {
  const { databases = options.database ?? 'all' } = options;
  const [first = 'postgres'] = databases === 'all' ? [] : [databases].flat();
  const result = await context.runner.run(query(sql, first, client));
  if (result.exitCode !== 0) throw postgresqlFailure(`${context.taskKey}: asking the server for ${first}`, result);
  return parseServer(result.stdout);
}

/** Rows that end with NUL, of two columns with `|` between: the version, then each database and whether it is a template. */
export function parseServer(output: string): Server {
  const [version = '', ...rows] = rowsOf(output);
  const databases = rows.flatMap((row) => {
    const [, name, isTemplate] = /^(.*)\|(true|false)$/s.exec(row) ?? [];
    return name === undefined ? [] : [{ name, isTemplate: isTemplate === 'true' }];
  });
  return { majorVersion: Math.floor(Number.parseInt(version, 10) / 10_000), databases };
}

/** The names that a task dumps. Throws a BackupError for one that the server does not have. */
export function selectDatabases(
  { database, databases }: PostgresqlOptions,
  server: Server,
  taskKey: string,
): readonly string[] {
  if (databases === 'all') return server.databases.flatMap(({ name, isTemplate }) => (isTemplate ? [] : [name]));
  const wanted = [...new Set(databases ?? [database ?? ''])];
  const missing = wanted.filter((name) => !server.databases.some((known) => known.name === name));
  if (missing.length === 0) return wanted;
  throw new BackupError(`${taskKey}: the server has no database ${missing.join(', ')}`, {
    hint: 'See "psql --list"; take out of service.yaml what is gone for good.',
  });
}
