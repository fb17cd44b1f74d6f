import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { asAccount, idsOf, startServer } from './server-process.ts';
import { freePort } from './storage-servers.ts';

/** A real MariaDB server with a socket and a port of 127.0.0.1, and nothing in it but its own. */
export interface MariadbServer {
  /** Root is let in by it as the user root. */
  readonly socket: string;
  readonly port: number;
  /** Runs SQL as root; the answer's rows without headings. */
  sql(text: string): Promise<string>;
  /** Runs the SQL of a file as root. */
  restore(dump: Buffer): Promise<void>;
  stop(): Promise<void>;
}

/** Why there can be none here; undefined when there can. */
export async function mariadbProblem(): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return 'needs root, to start it as the account mysql';
  const { exitCode } = await execaRunner().run({ file: 'sh', args: ['-c', 'command -v mariadbd'], env: searchPath });
  return exitCode === 0 ? undefined : 'needs the Debian package mariadb-server';
}

const searchPath = { PATH: `${process.env.PATH}:/usr/sbin` };

export async function startMariadb(...settings: readonly string[]): Promise<MariadbServer> {
  const folder = await mkdtemp(join(tmpdir(), 'mariadb-'));
  await chmod(folder, 0o755);
  const { uid, gid } = await idsOf('mysql');
  await chown(folder, uid, gid);
  const [data, socket, port] = [join(folder, 'data'), join(folder, 'socket'), await freePort()];
  const run = async (command: Command): Promise<string> => {
    const { exitCode, stdout, stderr } = await execaRunner().run(command);
    if (exitCode !== 0) throw new BackupError(`${command.file} failed: ${stderr}`);
    return stdout;
  };
  const common = ['--no-defaults', `--datadir=${data}`];
  const install = ['--user=mysql', '--skip-test-db', '--auth-root-authentication-method=socket'];
  await run({ file: 'mariadb-install-db', args: [...common, ...install] });
  const own = [
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--innodb-flush-log-at-trx-commit=0',
  ];
  const command = { file: '/usr/sbin/mariadbd', args: [...common, ...own, '--skip-name-resolve', ...settings] };
  const server = await startServer(asAccount('mysql', command), {
    readyLine: 'ready for connections',
    stopSignal: 'SIGTERM',
  });
  const client = (args: readonly string[], input: string | Buffer = '') =>
    run({
      file: 'mariadb',
      args: ['--no-defaults', `--socket=${socket}`, '--default-character-set=utf8mb4', ...args],
      input,
    });
  return {
    socket,
    port,
    sql: (text) => client(['--batch', '--skip-column-names', `--execute=${text}`]),
    restore: async (dump) => {
      await client([], dump);
    },
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}
