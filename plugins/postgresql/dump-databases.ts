import { parseDuration } from '#common/config/duration.ts';
import type { CollectorContext, ServiceArchive } from '#common/plugin/collector.ts';
import type { CommandResult } from '#common/process/command.ts';
import { dumpStream, readAlsoBy } from '../database/dump-stream.ts';
import { fileNameOf } from '../database/file-name.ts';
import { type Client, dump, dumpGlobals, readDump } from './commands.ts';
import { withDumpFolder } from './directory-dump.ts';
import { dumpOptionsOf } from './dump-options.ts';
import { postgresqlFailure } from './failure.ts';
import type { PostgresqlOptions } from './postgresql-schema.ts';

export interface DumpTask {
  readonly options: PostgresqlOptions;
  readonly client: Client;
  readonly context: CollectorContext;
  readonly archive: ServiceArchive;
}

/** `databases/<name>.dump`, `databases/<name>.sql`, or the folder `databases/<name>`. */
export async function dumpDatabase(database: string, task: DumpTask): Promise<void> {
  const { options, client, context, archive } = task;
  const { runner, taskKey } = context;
  const as = `databases/${fileNameOf(database)}`;
  const words = dumpOptionsOf(taskKey, options.dump_options);
  const timeoutMs = timeoutOf(options);
  const what = `${taskKey}: the dump of ${database}`;
  const failure = (result: CommandResult) => postgresqlFailure(what, result);
  const unreadable = (result: CommandResult) => postgresqlFailure(`${what} cannot be read back: pg_restore`, result);
  switch (options.format) {
    case 'plain': {
      const check = { what, trailer: '-- PostgreSQL database dump complete', failure };
      const command = dump(database, 'plain', words, client, timeoutMs);
      return archive.addStream({ as: `${as}.sql`, content: dumpStream(runner, command, check) });
    }
    case 'custom': {
      const command = dump(database, 'custom', words, client, timeoutMs);
      const content = dumpStream(runner, command, { what, failure });
      const checked = readAlsoBy(runner, readDump(client, timeoutMs), content, unreadable);
      return archive.addStream({ as: `${as}.dump`, content: checked });
    }
    case 'directory': {
      const isInContainer = options.container !== undefined;
      const request = {
        database,
        options: words,
        timeoutMs,
        client,
        isInContainer,
        context,
        what,
        failure,
        unreadable,
      };
      return withDumpFolder(request, (source) => archive.addTree({ source, as }));
    }
  }
}

/** `globals.sql`: roles with their passwords' hashes, and tablespaces. */
export async function dumpRoles({ options, client, context, archive }: DumpTask): Promise<void> {
  const what = `${context.taskKey}: the dump of roles and tablespaces`;
  const failure = (result: CommandResult) => postgresqlFailure(what, result);
  const check = { what, trailer: '-- PostgreSQL database cluster dump complete', failure };
  const content = dumpStream(context.runner, dumpGlobals(client, timeoutOf(options)), check);
  await archive.addStream({ as: 'globals.sql', content });
}

function timeoutOf({ timeout }: PostgresqlOptions): number {
  return (parseDuration(timeout) ?? 0) * 1000;
}
