import type { CollectorContext } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { firstProgram } from '../database/require-program.ts';
import { type RedisServer, redisFailure } from './redis-server.ts';

/**
 * Has the checksum and every value of an RDB file checked by `redis-check-rdb`, where that is installed and knows the
 * file's format. Throws a BackupError when something is wrong.
 */
export async function checkRdb(
  path: string,
  server: RedisServer,
  timeoutMs: number,
  context: CollectorContext,
): Promise<void> {
  const place = (command: Command) => server.place(command, timeoutMs);
  const found = await firstProgram([{ file: 'redis-check-rdb', args: [path] }], place, context);
  if (found === undefined || found.result.exitCode === 0) return;
  const said = problemIn(found.result.stdout);
  if (/Can't handle RDB format version/.test(said)) return; // of a server that is newer than this program
  throw redisFailure(`redis: checking the data of ${server.name}`, {
    ...found.result,
    stderr: said || found.result.stderr,
  });
}

/** What follows `--- RDB ERROR DETECTED ---` and says why. */
export function problemIn(output: string): string {
  const [, after = ''] = output.split('--- RDB ERROR DETECTED ---');
  return after.trim().split('\n')[0] ?? '';
}
