import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { firstProgram, programMissing } from '../database/require-program.ts';
import { type Client, type ClientProgram, versionOf } from './commands.ts';
import { postgresqlFailure } from './failure.ts';
import type { PostgresqlOptions } from './postgresql-schema.ts';

/** The major version of pg_dump. Throws a BackupError when a program that the task needs is not there. */
export async function checkClient(
  options: PostgresqlOptions,
  client: Client,
  context: RecoveryContext,
): Promise<number> {
  const needed: ClientProgram[] = ['pg_dump', 'psql'];
  if (options.format !== 'plain') needed.push('pg_restore');
  if (options.globals) needed.push('pg_dumpall');
  const versions = [];
  for (const program of needed) versions.push(await majorVersionOf(program, options, client, context));
  return versions[0] ?? 0;
}

/** A pg_dump refuses a server that is newer than itself, but only when it is run. */
export function requireNewEnough(dumpVersion: number, serverVersion: number, taskKey: string): void {
  if (dumpVersion >= serverVersion) return;
  throw new BackupError(
    `${taskKey}: pg_dump ${dumpVersion} is too old for the server, which is version ${serverVersion}`,
    {
      hint: `Install postgresql-client-${serverVersion}, or set tools.pg_dump_cmd to its pg_dump.`,
    },
  );
}

/** `pg_dump (PostgreSQL) 15.18 (Debian …)` is 15; undefined for anything else. */
export function parseVersion(output: string): number | undefined {
  const [, major] = /\(PostgreSQL\) (\d+)/.exec(output) ?? [];
  return major === undefined ? undefined : Number(major);
}

async function majorVersionOf(
  program: ClientProgram,
  options: PostgresqlOptions,
  client: Client,
  context: RecoveryContext,
): Promise<number> {
  const { taskKey } = context;
  const found = await firstProgram([versionOf(program, client)], client.place, context);
  if (found === undefined) {
    const isInside = options.container !== undefined;
    const hint = isInside
      ? 'container: must be the one of the database server, which has its client programs.'
      : 'Install postgresql-client, or set tools.pg_dump_cmd in client_config.yml; the others lie beside it.';
    throw programMissing(taskKey, program, isInside ? ' in the container' : '', hint);
  }
  if (found.result.exitCode !== 0) throw postgresqlFailure(`${taskKey}: ${program} --version`, found.result);
  const version = parseVersion(found.result.stdout);
  if (version !== undefined) return version;
  throw new BackupError(`${taskKey}: ${program} does not tell its version: "${found.result.stdout.trim()}"`, {
    hint: 'Is it the one of PostgreSQL? See tools.pg_dump_cmd in client_config.yml.',
  });
}
