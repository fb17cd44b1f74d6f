import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { CommandResult } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { startSshd, type TestSshd } from '#common/testing/sshd.ts';
import { startSmtp, type TestSmtp } from './smtp.ts';

/** The account that fetches: one that every Debian has and that may do nothing else. */
const fetcher = { user: 'nobody', group: 'nogroup' };

export type Section = Readonly<Record<string, unknown>>;

/** A client and a server on this machine, all in one temporary folder: real sshd, real restic, real SMTP server. */
export interface Fleet {
  readonly folder: string;
  /** The client's drop folder. */
  readonly drop: string;
  /** The server's work folder, with the trees. */
  readonly work: string;
  readonly repositories: string;
  readonly sshd: TestSshd;
  readonly smtp: TestSmtp;
  /** Writes `<type>/<name>/service.yaml`. */
  writeService(type: string, name: string, tasks: Section): Promise<void>;
  /** Writes client_config.yml: the rig's settings with these over them. */
  writeClientConfig(settings?: Section): Promise<void>;
  /** Writes server_config.yml for one host `web`: the rig's settings with these over them. */
  writeServerConfig(settings?: ServerSettings): Promise<void>;
  localBackup(...args: string[]): Promise<CommandResult>;
  backupServer(...args: string[]): Promise<CommandResult>;
  resticMaintenance(...args: string[]): Promise<CommandResult>;
  /** restic itself on a host's repository. */
  restic(host: string, ...args: string[]): Promise<CommandResult>;
  stop(): Promise<void>;
}

export interface ServerSettings {
  readonly global?: Section;
  readonly restic?: Section;
  readonly defaults?: Section;
  readonly hosts?: readonly Section[];
}

export async function startFleet(): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'backup-fleet-'));
  await chmod(folder, 0o711); // the fetching account must get through to the drop folder
  const sshd = await startSshd({ folder: join(folder, 'sshd'), user: fetcher.user });
  const smtp = await startSmtp();
  const runner = execaRunner();
  const path = (...names: string[]) => join(folder, ...names);
  const program =
    (name: string, config: string) =>
    (...args: string[]) =>
      runner.run({
        file: process.execPath,
        args: [`dist/bin/${name}`, ...args, '--config-dir', path(config)],
        timeoutMs: 300_000,
      });
  const write = async (file: string, value: unknown, mode = 0o600): Promise<void> => {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, typeof value === 'string' ? value : stringify(value), { mode });
  };
  const common = { mail: { smtp: { host: '127.0.0.1', port: smtp.port, tls: 'none' } } };
  const fleet: Fleet = {
    folder,
    drop: path('drop'),
    work: path('work'),
    repositories: path('repositories'),
    sshd,
    smtp,
    writeService: (type, name, tasks) =>
      write(path('client', type, name, 'service.yaml'), { service: { name }, ...tasks }),
    writeClientConfig: (settings = {}) =>
      write(path('client', 'client_config.yml'), { ...clientSettings(path), ...common, ...settings }),
    writeServerConfig: (settings = {}) =>
      write(path('server', 'server_config.yml'), { ...serverSettings(path, sshd, settings), ...common }),
    localBackup: program('local-backup', 'client'),
    backupServer: program('backup-server', 'server'),
    resticMaintenance: program('restic-maintenance', 'server'),
    restic: (host, ...args) => {
      const env = {
        RESTIC_REPOSITORY: path('repositories', host),
        RESTIC_PASSWORD_FILE: path('server', 'password'),
        RESTIC_CACHE_DIR: path('cache'),
      };
      return runner.run({ file: 'restic', args, env });
    },
    stop: async () => {
      await sshd.stop();
      await smtp.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await write(path('server', 'password'), 'correct horse battery staple\n');
  await fleet.writeClientConfig();
  await fleet.writeServerConfig();
  return fleet;
}

type PathIn = (...names: string[]) => string;

function clientSettings(path: PathIn): Section {
  return {
    base_backup_dir: path('drop'),
    backup_user: fetcher.user,
    backup_group: fetcher.group,
    admin_email: 'client-admin@example.org',
    hostname: 'web',
    keep_days: 7,
    min_free_space_mb: 10,
    state_dir: path('client-state'),
    runtime_dir: path('client-run'),
    lock: { retries: 0, retry_interval: '1s' },
    ignore: ['*'], // what other tests have on this machine meanwhile
  };
}

function serverSettings(path: PathIn, sshd: TestSshd, settings: ServerSettings): Section {
  return {
    global: {
      local_temp_base_dir: path('work'),
      admin_email: 'server-admin@example.org',
      hostname: 'vault',
      state_dir: path('server-state'),
      runtime_dir: path('server-run'),
      lock_retries: 0,
      ...settings.global,
    },
    restic: {
      repository_root: path('repositories'),
      password_file: path('server', 'password'),
      cache_dir: path('cache'),
      ...settings.restic,
    },
    defaults: {
      ssh_user: sshd.user,
      ssh_port: sshd.port,
      ssh_key_file: sshd.keyFile,
      known_hosts_file: sshd.knownHostsFile,
      remote_tar_dir: path('drop'),
      retries: 0,
      ...settings.defaults,
    },
    hosts: settings.hosts ?? [{ hostname: 'web', address: sshd.address }],
  };
}
