import type { Asset, CollectorContext, Coverage, RecoveryContext } from '#common/plugin/collector.ts';
import { containerOf, mountsBelow } from '../database/container.ts';
import { onThisMachine } from '../database/place.ts';
import { firstProgram } from '../database/require-program.ts';
import { parseInfo, redisCli } from './redis-commands.ts';
import type { RedisOptions } from './redis-schema.ts';
import { openServer } from './redis-server.ts';

const usual = { host: '127.0.0.1', port: 6379, tls: false };

/** The server of the usual port, whether it wants a password or not. */
export async function findServers(context: RecoveryContext, port = usual.port): Promise<readonly Asset[]> {
  const ping = { ...redisCli({ ...usual, port }, ['PING']), timeoutMs: 10_000 };
  const answer = await firstProgram([ping], onThisMachine, context);
  if (!/^(PONG|NOAUTH|NOPERM)/.test(answer?.result.stdout ?? '')) return [];
  return [{ kind: 'Redis server', name: `localhost:${port}` }];
}

/**
 * A task may reach the server of the usual port by another way: what has the same `run_id` is the same server. Of a
 * container the volume with the data is covered, too.
 */
export async function serversCovered(
  options: RedisOptions,
  context: CollectorContext,
  port = usual.port,
): Promise<Coverage> {
  const { user, password, timeout, container } = options;
  const login = { timeout, ...(user !== undefined && { user }), ...(password !== undefined && { password }) };
  const own = await runIdOf(options, context);
  const assets = await findServers(context, port);
  const other =
    assets.length === 0 ? undefined : await runIdOf({ ...usual, port, ...login }, context).catch(() => undefined);
  const paths =
    container === undefined ? [] : await mountsBelow('/data', await containerOf(container, context), context);
  return { assets: own === other ? assets : [], paths };
}

async function runIdOf(options: RedisOptions, context: CollectorContext): Promise<string | undefined> {
  const server = await openServer(options, context);
  return parseInfo(await server.ask('INFO', 'server')).get('run_id');
}
