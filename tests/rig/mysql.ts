import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { debianRoot, unstable } from './debian-root.ts';
import { startServer } from './server-process.ts';

/** A real MySQL server, with nothing in it but its own. */
export interface MysqlServer {
  /** As its programs see it. */
  readonly socket: string;
  /** Runs SQL as root; the answer's rows without headings. */
  sql(text: string): Promise<string>;
  /** Runs the SQL of a file as root. */
  restore(dump: Buffer): Promise<void>;
  stop(): Promise<void>;
}

/** MySQL in a root of its own: only Debian unstable has it. */
export interface Mysql {
  /** For `tools.mysqldump_cmd`. */
  readonly mysqldump: string;
  start(name: string): Promise<MysqlServer>;
}

export async function mysqlIn(root: string): Promise<Mysql> {
  await debianRoot(root, { release: unstable, packages: ['mysql-server-core', 'mysql-client-core'] });
  const inRoot = (file: string, ...args: string[]): Command => ({ file: 'chroot', args: [root, file, ...args] });
  const run = async (command: Command): Promise<string> => {
    const { exitCode, stdout, stderr } = await execaRunner().run(command);
    if (exitCode !== 0) throw new BackupError(`${command.args.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    mysqldump: `chroot ${root} /usr/bin/mysqldump`,
    start: async (name) => {
      const socket = `/run/${name}.sock`;
      const common = ['--no-defaults', '--user=root', `--datadir=/var/lib/${name}`];
      await run(inRoot('/usr/sbin/mysqld', ...common, '--initialize-insecure'));
      const own = [`--socket=${socket}`, `--pid-file=/run/${name}.pid`, '--skip-networking', '--mysqlx=OFF'];
      const server = await startServer(inRoot('/usr/sbin/mysqld', ...common, ...own, '--secure-file-priv='), {
        readyLine: 'ready for connections',
        stopSignal: 'SIGTERM',
      });
      const way = ['--no-defaults', `--socket=${socket}`, '--default-character-set=utf8mb4'];
      const client = (...args: string[]) => inRoot('/usr/bin/mysql', ...way, ...args);
      return {
        socket,
        sql: (text) => run(client('--batch', '--skip-column-names', `--execute=${text}`)),
        restore: async (dump) => {
          await run({ ...client(), input: dump });
        },
        stop: async () => {
          await server.stop();
          await rm(join(root, 'var/lib', name), { recursive: true });
        },
      };
    },
  };
}
