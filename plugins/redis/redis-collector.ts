import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDuration } from '#common/config/duration.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext, ServiceArchive } from '#common/plugin/collector.ts';
import { dumpStream } from '../database/dump-stream.ts';
import { runProgram } from '../database/run-program.ts';
import { findServers, serversCovered } from './assets.ts';
import { checkRdb } from './check-rdb.ts';
import { requireRdbFile, requireRdbStream } from './rdb-file.ts';
import { sendRdb } from './redis-commands.ts';
import { type RedisOptions, redisSchema } from './redis-schema.ts';
import { openServer, type RedisServer, redisFailure, redisHints, requireServer } from './redis-server.ts';
import { dumpFileOf, saveToFile } from './save-to-file.ts';

const place = 'redis/dump.rdb';

interface RedisTask {
  readonly server: RedisServer;
  readonly timeoutMs: number;
  readonly context: CollectorContext;
  readonly archive: ServiceArchive;
}

/** The data of a server, to `redis/dump.rdb`. */
export const redisCollector: Collector<RedisOptions> = {
  name: 'redis',
  taskKeys: ['redis'],
  phase: 'live',
  schema: redisSchema,
  // to write to a socket that belongs to another account
  unitLines: ({ socket }) => (socket === undefined ? [] : ['CapabilityBoundingSet=CAP_DAC_OVERRIDE']),

  async check(options, context) {
    if (options.container !== undefined && options.method === 'rdb') throw noRdbInContainer();
    const server = await openServer(options, context);
    await requireServer(server, context);
    if (options.method !== 'bgsave') return;
    const { folder } = await dumpFileOf(server);
    if (options.container === undefined && (await versionOf(folder)) === undefined) throw notHere(server, folder);
  },

  async collect(options, context, archive) {
    const timeoutMs = (parseDuration(options.timeout) ?? 0) * 1000;
    const task = { server: await openServer(options, context), timeoutMs, context, archive };
    if (options.container !== undefined) await copyFromContainer(task);
    else if (options.method === 'bgsave') await copySavedFile(task);
    else await receive(task);
  },

  findAssets: (context) => findServers(context),
  coverage: (options, context) => serversCovered(options, context),
};

/** As a replica gets it. */
async function receive({ server, timeoutMs, context, archive }: RedisTask): Promise<void> {
  const source = join(context.workFolder, 'dump.rdb');
  const command = server.place(sendRdb(server.address, source), timeoutMs);
  await runProgram(context.runner, command, `redis: having the data of ${server.name} sent`, redisHints);
  await requireRdbFile(source, `redis: the data of ${server.name}`);
  await checkRdb(source, server, timeoutMs, context);
  await chmod(source, 0o600);
  await archive.addTree({ source, as: place });
}

/** The server puts a new file in the place of the old one at once, so that it can be read at any time. */
async function copySavedFile({ server, timeoutMs, context, archive }: RedisTask): Promise<void> {
  const { path } = await dumpFileOf(server);
  const before = await versionOf(path);
  const isNew = await saveToFile(server, timeoutMs, context.signal);
  const after = await versionOf(path);
  if (after === undefined || (isNew && after === before)) throw notHere(server, path);
  await requireRdbFile(path, `redis: ${path}`);
  await checkRdb(path, server, timeoutMs, context);
  await archive.addTree({ source: path, as: place });
}

async function copyFromContainer({ server, timeoutMs, context, archive }: RedisTask): Promise<void> {
  await saveToFile(server, timeoutMs, context.signal);
  const { path } = await dumpFileOf(server);
  await checkRdb(path, server, timeoutMs, context);
  const what = `redis: ${path} of ${server.name}`;
  const copy = server.place({ file: 'cat', args: ['--', path] }, timeoutMs);
  const failure = (result: Parameters<typeof redisFailure>[1]) => redisFailure(`${what}: reading it`, result);
  const content = dumpStream(context.runner, copy, { what, failure });
  await archive.addStream({ as: place, content: requireRdbStream(content, what) });
}

/** Differs when the file is another one or was written to; undefined when there is none. */
async function versionOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : `${found.ino} ${found.mtimeNs}`;
}

function notHere(server: RedisServer, path: string): BackupError {
  return new BackupError(`redis: ${server.name} saves to ${path}, which is not there on this machine`, {
    hint: 'It runs elsewhere or in a container: set container:, or method: rdb.',
  });
}

function noRdbInContainer(): BackupError {
  return new BackupError('redis: method: rdb cannot be had in a container', {
    hint: 'Leave method out: the server in the container saves to its own file, which is copied.',
  });
}
