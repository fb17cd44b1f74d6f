import type { Collector } from '#common/plugin/collector.ts';
import { databasesCovered, databasesOfMachine } from './assets.ts';
import { checkClient, requireNewEnough } from './check-client.ts';
import { dumpDatabase, dumpRoles } from './dump-databases.ts';
import { dumpOptionsOf } from './dump-options.ts';
import { openClient } from './open-client.ts';
import { type PostgresqlOptions, postgresqlSchema } from './postgresql-schema.ts';
import { askServer, chosenOf } from './server.ts';

/** Dumps of databases, to `databases/`, by PostgreSQL's own programs. */
export const postgresqlCollector: Collector<PostgresqlOptions> = {
  name: 'postgresql',
  taskKeys: ['postgresql'],
  phase: 'live',
  schema: postgresqlSchema,

  async check(options, context) {
    const { taskKey } = context;
    dumpOptionsOf(taskKey, options.dump_options);
    const client = await openClient(options, context);
    const dumpVersion = await checkClient(options, client, context);
    const server = await askServer(options, client, context);
    requireNewEnough(dumpVersion, server.majorVersion, taskKey);
    chosenOf(options, server, taskKey);
  },

  async collect(options, context, archive) {
    const task = { options, context, archive, client: await openClient(options, context) };
    const server = await askServer(options, task.client, context);
    if (options.globals) await dumpRoles(task);
    for (const database of chosenOf(options, server, context.taskKey)) await dumpDatabase(database, task);
  },

  findAssets: (context) => databasesOfMachine(context),
  coverage: (options, context) => databasesCovered(options, context),
};
