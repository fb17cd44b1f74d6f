import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { freePort, startListening } from './storage-servers.ts';

/** A real Redis server on a port of 127.0.0.1 and a socket. */
export interface RedisServer {
  readonly port: number;
  readonly socket: string;
  /** Where it saves. */
  readonly folder: string;
  /** Its answer to a command. */
  ask(...words: string[]): Promise<string>;
  /** Runs commands, a line each. */
  pipe(lines: readonly string[]): Promise<void>;
  /** Tells all that it holds, as a hash. */
  digest(): Promise<string>;
  stop(): Promise<void>;
}

/** `rdb` is a file with its data; without it the server is empty. */
export async function startRedis({ password = '', rdb = '' } = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  if (rdb !== '') await copyFile(rdb, join(folder, 'dump.rdb'));
  const [port, socket] = [await freePort(), join(folder, 'redis.sock')];
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    unixsocket: socket,
    dir: folder,
    requirepass: password,
    save: '',
    'repl-diskless-sync-delay': '0', // the first replica gets its data at once
    'enable-debug-command': 'yes',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const stop = await startListening({ file: 'redis-server', args }, port);
  const run = async (input: string, ...words: string[]): Promise<string> => {
    const env = password === '' ? {} : { REDISCLI_AUTH: password };
    const result = await execaRunner().run({ file: 'redis-cli', args: ['-e', '-s', socket, ...words], env, input });
    if (result.exitCode !== 0) throw new BackupError(`${words.join(' ')}: ${result.stdout}${result.stderr}`);
    return result.stdout.trim();
  };
  return {
    port,
    socket,
    folder,
    ask: (...words) => run('', ...words),
    pipe: async (lines) => {
      await run(`${lines.join('\n')}\n`, '--pipe');
    },
    digest: () => run('', 'DEBUG', 'DIGEST'),
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true });
    },
  };
}
