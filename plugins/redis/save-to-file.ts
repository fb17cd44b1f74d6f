import { setTimeout } from 'node:timers/promises';
import { BackupError } from '#common/errors.ts';
import { parseInfo, parseSettings } from './redis-commands.ts';
import type { RedisServer } from './redis-server.ts';

const pollMs = 200;

/** Where the server keeps its RDB file, as it sees it. */
export async function dumpFileOf(server: RedisServer): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = parseSettings(await server.ask('CONFIG', 'GET', 'dir')).get('dir') ?? '';
  const name = parseSettings(await server.ask('CONFIG', 'GET', 'dbfilename')).get('dbfilename') ?? '';
  return { folder, path: `${folder}/${name}` };
}

/** Has the server save to its file and waits for it; false when nothing has changed since it saved last. */
export async function saveToFile(server: RedisServer, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  if (isSaved(parseInfo(await server.ask('INFO', 'persistence')))) return false;
  const timeout = AbortSignal.timeout(timeoutMs);
  const pause = async (): Promise<void> => {
    if (timeout.aborted) throw tooLong(server);
    await setTimeout(pollMs, undefined, { signal });
  };
  while (!(await beginsSaving(server))) await pause();
  for (;;) {
    const info = parseInfo(await server.ask('INFO', 'persistence'));
    if (info.get('rdb_bgsave_in_progress') === '0') {
      if (info.get('rdb_last_bgsave_status') === 'ok') return true;
      throw new BackupError(`redis: ${server.name} could not save its data`, {
        hint: "See the server's own log: its disk may be full, or it could not make a process (vm.overcommit_memory).",
      });
    }
    await pause();
  }
}

/** Whether the file is what the server has in memory: it has saved since it was started, and nothing was written since. */
export function isSaved(info: ReadonlyMap<string, string>): boolean {
  return (
    Number(info.get('rdb_saves') ?? 0) > 0 && // Redis 7; a file of before the start may be older than the data
    info.get('rdb_changes_since_last_save') === '0' &&
    info.get('rdb_bgsave_in_progress') === '0' &&
    info.get('rdb_last_bgsave_status') === 'ok'
  );
}

/** False while the server is at other work: a save that may have begun before the last change, or its append-only file. */
async function beginsSaving(server: RedisServer): Promise<boolean> {
  try {
    await server.ask('BGSAVE');
    return true;
  } catch (error) {
    if (error instanceof BackupError && /in progress/.test(error.message)) return false;
    throw error;
  }
}

function tooLong(server: RedisServer): BackupError {
  return new BackupError(`redis: ${server.name} took too long to save its data`, {
    hint: 'See INFO persistence of the server, or set a longer timeout.',
  });
}
