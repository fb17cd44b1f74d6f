import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
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
  const { uid, gid } = await postgresAccount();
  await chown(data, uid, gid);
  await chown(folder, uid, gid);
  const run = async (command: Command): Promise<string> => {
    const { exitCode, stdout, stderr } = await execaRunner().run(asPostgres(command));
    if (exitCode !== 0) throw new BackupError(`${command.file} failed: ${stderr}`);
    return stdout;
  };
  const auth = ['--auth-local=peer', '--auth-host=scram-sha-256', '--username=postgres'];
  const args = ['--pgdata', data, ...auth, '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'];
  await run({ file: join(programs, 'initdb'), args });
  await writeFile(join(data, 'postgresql.conf'), settings(folder, port));
  const server = await startListening(asPostgres({ file: join(programs, 'postgres'), args: ['-D', data] }));
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
      await stopServer(server);
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

function asPostgres({ file, args }: Command): Command {
  const account = ['--reuid=postgres', '--regid=postgres', '--init-groups'];
  return { file: 'setpriv', args: [...account, '--', file, ...args], cwd: '/' };
}

async function postgresAccount(): Promise<{ readonly uid: number; readonly gid: number }> {
  const { stdout } = await execaRunner().run({ file: 'getent', args: ['passwd', 'postgres'] });
  const [, , uid, gid] = stdout.split(':').map(Number);
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

/** Of the newest version that is installed. */
async function serverPrograms(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql';
  const versions = (await readdir(root).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  for (const version of versions) {
    const folder = join(root, version, 'bin');
    if ((await readdir(folder)).includes('initdb')) return folder;
  }
  return undefined;
}

async function startListening({ file, args }: Command): Promise<ChildProcess> {
  const child = spawn(file, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  const endWithUs = () => child.kill('SIGQUIT');
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));
  const said: string[] = [];
  const listening = new Promise<void>((resolve) => {
    // goes on reading after that, so that the server never blocks on a full pipe
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (line.includes('ready to accept connections')) resolve();
    });
  });
  const failed = once(child, 'exit').then(() => {
    throw new BackupError(`the server ended instead of listening: ${said.join('\n')}`);
  });
  failed.catch(() => undefined); // also settles when it is stopped later
  await Promise.race([listening, failed]);
  return child;
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGINT'); // ends the sessions
  await ended;
}
