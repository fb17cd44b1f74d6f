import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { debian13Root } from './debian-root.ts';

/** A storage server for restic on loopback. */
export interface StorageServer {
  /** For `repository_root`. */
  readonly root: string;
  /** For `env_file`. */
  readonly env: string;
  stop(): Promise<void>;
}

/** rclone's own implementation of restic's REST protocol, with a password. */
export async function startRestServer(folder: string): Promise<StorageServer> {
  const port = await freePort();
  const args = ['serve', 'restic', folder, '--addr', `127.0.0.1:${port}`, '--user', 'fleet', '--pass', 'secret'];
  const stop = await startListening({ file: 'rclone', args, env: { RCLONE_CONFIG: '/dev/null' } }, port);
  return { root: `rest:http://fleet:secret@127.0.0.1:${port}/`, env: '', stop };
}

/**
 * Ceph's S3 gateway in one process, its objects in an SQLite file: no cluster. Debian 13 has it, so that it runs in a small
 * Debian 13 root of its own.
 */
export async function startS3Server(folder: string): Promise<StorageServer> {
  const root = join(folder, 'root');
  const port = await freePort();
  await storageRoot(root);
  for (const name of ['etc/ceph', 'var/lib/ceph/radosgw', 'run/ceph'])
    await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, 'etc/ceph/ceph.conf'), cephConfig(port));
  const inRoot = (...args: string[]): Command => ({
    file: 'unshare',
    args: [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"',
      root,
      ...args,
    ],
    env: { AWS_CA_BUNDLE: '' },
  });
  const stop = await startListening(inRoot('radosgw', '-f', '-n', 'client.rgw', '--no-mon-config'), port);
  const user = [
    'user',
    'create',
    '--uid',
    'fleet',
    '--display-name',
    'fleet',
    '--access-key',
    'FLEETKEY',
    '--secret-key',
    'FLEETSECRET',
  ];
  const made = await execaRunner().run(inRoot('radosgw-admin', '-n', 'client.rgw', '--no-mon-config', ...user));
  if (made.exitCode !== 0) throw new BackupError(`no S3 user: ${made.stderr}`);
  return {
    root: `s3:http://127.0.0.1:${port}/fleet-bucket`,
    env: 'AWS_ACCESS_KEY_ID=FLEETKEY\nAWS_SECRET_ACCESS_KEY=FLEETSECRET\nAWS_DEFAULT_REGION=us-east-1\n',
    stop,
  };
}

/** A small Debian 13 with what Debian 12 lacks: Ceph's S3 gateway, and a newer restic. */
export async function storageRoot(root: string): Promise<void> {
  await debian13Root(root, ['radosgw', 'restic']);
}

function cephConfig(port: number): string {
  return `[global]
no_mon_config = true
auth_client_required = none
log_to_stderr = true
[client.rgw]
rgw_backend_store = dbstore
rgw_config_store = dbstore
dbstore_db_dir = /var/lib/ceph/radosgw
dbstore_config_uri = file:/var/lib/ceph/radosgw/config.db
rgw_frontends = beast endpoint=127.0.0.1:${port}
admin_socket =
`;
}

/** Starts a server and waits until it accepts connections. */
export async function startListening(command: Command, port: number): Promise<() => Promise<void>> {
  const server = execaRunner().start(command);
  server.stdin.end();
  server.stdout.resume();
  for (let tries = 0; tries < 600; tries += 1) {
    if (await accepts(port)) {
      return async () => {
        server.stop();
        await server.done;
      };
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), failedStart(server.done)]);
  }
  server.stop();
  throw new BackupError(`${command.file} does not listen on port ${port}: ${(await server.done).stderr}`);
}

async function failedStart(done: Promise<{ readonly stderr: string }>): Promise<never> {
  throw new BackupError(`the server ended: ${(await done).stderr}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
