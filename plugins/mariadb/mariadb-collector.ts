import { parseDuration } from '#common/config/duration.ts';
import type { Collector } from '#common/plugin/collector.ts';
import type { CommandResult } from '#common/process/command.ts';
import { dumpOptionsOf, type RefusedOptions } from '../database/dump-options.ts';
import { dumpStream } from '../database/dump-stream.ts';
import { fileNameOf } from '../database/file-name.ts';
import { databasesCovered, databasesOfMachine } from './assets.ts';
import { dump } from './commands.ts';
import { mariadbFailure } from './failure.ts';
import { type MariadbOptions, mariadbSchema } from './mariadb-schema.ts';
import { openClient } from './open-client.ts';
import { askServer, binaryLogArgs, chosenOf } from './server.ts';

/** Dumps of databases, to `databases/`, by the dump program of MariaDB or MySQL. */
export const mariadbCollector: Collector<MariadbOptions> = {
  name: 'mariadb',
  taskKeys: ['mariadb', 'mysql'],
  phase: 'live',
  schema: mariadbSchema,

  async check(options, context) {
    dumpOptionsOf(context.taskKey, options.dump_options, refused);
    const server = await askServer(await openClient(options, context), context);
    chosenOf(options, server, context.taskKey);
  },

  async collect(options, context, archive) {
    const { taskKey, runner } = context;
    const client = await openClient(options, context);
    const server = await askServer(client, context);
    const timeoutMs = (parseDuration(options.timeout) ?? 0) * 1000;
    const words = [
      ...(await binaryLogArgs(client, server, context)),
      ...dumpOptionsOf(taskKey, options.dump_options, refused),
    ];
    for (const database of chosenOf(options, server, taskKey)) {
      const what = `${taskKey}: the dump of ${database}`;
      const failure = (result: CommandResult) => mariadbFailure(what, result);
      const check = { what, trailer: '-- Dump completed', failure };
      const content = dumpStream(runner, dump(database, client, words, timeoutMs), check);
      await archive.addStream({ as: `databases/${fileNameOf(database)}.sql`, content });
    }
  },

  findAssets: (context) => databasesOfMachine(context),
  coverage: (options, context) => databasesCovered(options, context),
};

/** What a task gives itself, what makes another program of it, and what takes away the line that proves a whole dump. */
const refused: RefusedOptions = {
  long: [
    ...['all-databases', 'databases', 'tab', 'dir', 'xml', 'result-file'],
    ...['host', 'port', 'user', 'password', 'socket', 'help', 'version'],
    ...['defaults-file', 'defaults-extra-file', 'defaults-group-suffix', 'no-defaults', 'print-defaults'],
    ...['compact', 'comments', 'skip-comments', 'disable-comments'],
  ],
  short: 'ABTXrhPupS?Vi',
  shortWithValue: 'hPpSuTrw#',
};
