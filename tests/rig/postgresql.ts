import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { asAccount, idsOf, startServer } from './server-process.ts';
import { freePort } from './storage-servers.ts';

/** A real PostgreSQL server with a socket and a port of 127.0.0.1, and nothing in it. */
export interface PostgresqlServer {
  /** The folder of its socket, where the account postgres is let in as the role postgres. */
  readonly socketFolder: string;
  readonly port: number;
  /** The folder of its programs, which pg_dump's shared wrapper is not among. */
  readonly programs: string;
  /** Runs SQL as the superuser; the answer's rows without alignment. */
  sql(database: string, text: string): Promise<string>;
  /** Any client program, as the superuser, with the way to the server added; its output. */
  client(program: string, ...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Why there can be none here; undefined when there can. */
export async function postgresqlProblem(): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return 'needs root, to start it as the account postgres';
  return (await serverPrograms()) === undefined ? 'needs the Debian package postgresql' : undefined;
}

/** Over the network a role needs its password; by the socket it needs the account of its name. */
export async function startPostgresql(): Promise<PostgresqlServer> {
  const programs = await serverPrograms();
  if (programs === undefined) throw new BackupError('there is no PostgreSQL server here');
  const folder = await mkdtemp(join(tmpdir(), 'postgresql-'));
  await chmod(folder, 0o755);
  const [data, port] = [join(folder, 'data'), await freePort()];
  await mkdir(data);
  const { uid, gid } = await idsOf('postgres');
  await chown(data, uid, gid);
  await chown(folder, uid, gid);
  const run = async (command: Command): Promise<string> => {
    const { exitCode, stdout, stderr } = await execaRunner().run(asAccount('postgres', command));
    if (exitCode !== 0) throw new BackupError(`${command.file} failed: ${stderr}`);
    return stdout;
  };
  const auth = ['--auth-local=peer', '--auth-host=scram-sha-256', '--username=postgres'];
  const args = ['--pgdata', data, ...auth, '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'];
  await run({ file: join(programs, 'initdb'), args });
  await writeFile(join(data, 'postgresql.conf'), settings(folder, port));
  const command = { file: join(programs, 'postgres'), args: ['-D', data] };
  const server = await startServer(asAccount('postgres', command), {
    readyLine: 'ready to accept connections',
    stopSignal: 'SIGINT',
  });
  const client = (program: string, ...own: string[]) =>
    run({ file: join(programs, program), args: [`--host=${folder}`, `--port=${port}`, ...own] });
  return {
    socketFolder: folder,
    port,
    programs,
    client,
    sql: (database, text) =>
      client('psql', '--no-psqlrc', '-v', 'ON_ERROR_STOP=1', '-qAt', `--dbname=${database}`, `--command=${text}`),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function settings(socketFolder: string, port: number): string {
  return `listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = '${socketFolder}'
fsync = off
autovacuum = off
log_min_messages = log
`;
}

/** Of the newest version that is installed. */
export async function serverPrograms(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql';
  const versions = (await readdir(root).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  for (const version of versions) {
    const folder = join(root, version, 'bin');
    if ((await readdir(folder)).includes('initdb')) return folder;
  }
  return undefined;
}
