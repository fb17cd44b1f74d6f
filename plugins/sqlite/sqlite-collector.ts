import { chmod, chown, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseDuration } from '#common/config/duration.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext } from '#common/plugin/collector.ts';
import { onThisMachine } from '../database/place.ts';
import type { Hints } from '../database/program-failure.ts';
import { firstProgram, programMissing } from '../database/require-program.ts';
import { runProgram } from '../database/run-program.ts';
import { type DatabaseFile, lookAtDatabase } from './database-file.ts';
import { type NamedDatabase, namedDatabases } from './database-names.ts';
import { copyCommand, integrityCommand } from './sqlite-commands.ts';
import { type SqliteOptions, sqliteSchema } from './sqlite-schema.ts';

/** How often a database that nobody had open is copied anew because somebody opened it meanwhile. */
const idleAttempts = 3;

/** A consistent copy of each database, to `sqlite/<last name>`. */
export const sqliteCollector: Collector<SqliteOptions> = {
  name: 'sqlite',
  taskKeys: ['sqlite'],
  phase: 'live',
  schema: sqliteSchema,

  async check({ paths }, context) {
    const version = { file: 'sqlite3', args: ['--version'], timeoutMs: 30_000 };
    if ((await firstProgram([version], onThisMachine, context)) === undefined) {
      throw programMissing('sqlite', 'program sqlite3', '', 'Install it: apt-get install sqlite3');
    }
    for (const { path } of namedDatabases(paths)) await lookAtDatabase(path);
  },

  async collect(options, context, archive) {
    for (const database of namedDatabases(options.paths)) {
      const copy = join(context.workFolder, basename(database.as));
      const source = await copyDatabase(database, copy, options, context);
      await requireIntegrity(database.path, copy, options, context);
      await chown(copy, source.uid, source.gid);
      await chmod(copy, source.mode);
      await archive.addTree({ source: copy, as: database.as });
      await rm(copy);
    }
  },
};

/**
 * A database in WAL mode that nobody has open is read as it lies there, since SQLite would make files beside it, which
 * the unit's sandbox forbids. That it was not written to meanwhile is looked at afterwards.
 */
async function copyDatabase(
  { path }: NamedDatabase,
  copy: string,
  options: SqliteOptions,
  context: CollectorContext,
): Promise<DatabaseFile> {
  for (let attempt = 1; ; attempt += 1) {
    await rm(copy, { force: true });
    const before = await lookAtDatabase(path);
    const isIdle = before.isIdleWal && attempt <= idleAttempts;
    const request = {
      source: before.path,
      isIdle,
      folder: context.workFolder,
      name: basename(copy),
      busyTimeoutMs: msOf(options.busy_timeout),
      timeoutMs: msOf(options.timeout),
    };
    await runProgram(context.runner, copyCommand(request), `sqlite: copying ${path}`, hints);
    if (!isIdle) return before;
    const after = await lookAtDatabase(path);
    if (after.isIdleWal && after.version === before.version) return before;
  }
}

async function requireIntegrity(
  path: string,
  copy: string,
  { integrity_check, timeout }: SqliteOptions,
  { runner }: CollectorContext,
): Promise<void> {
  const command = integrityCommand(copy, integrity_check, msOf(timeout));
  const found = (await runProgram(runner, command, `sqlite: checking the copy of ${path}`, hints)).trim();
  if (found === 'ok') return;
  throw new BackupError(`sqlite: ${path} is damaged: ${found.split('\n').join(' / ')}`, { hint: damaged });
}

function msOf(duration: string): number {
  return (parseDuration(duration) ?? 0) * 1000;
}

const damaged = 'See "PRAGMA integrity_check" on it, and ".recover" of sqlite3.';

const hints: Hints = [
  [/is locked/, 'A program holds it locked; set a longer busy_timeout, or stop the program for its backup.'],
  [/readonly database/, 'A program died while it wrote; start it once, so that it puts its database right.'],
  [/is full/, 'Make room where the archive is made: a copy of the database lies there for a while.'],
  [/malformed|not a database/, damaged],
];
