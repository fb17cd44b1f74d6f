import { join } from 'node:path';
import type { FromSchema } from 'json-schema-to-ts';
import { parseByteSize } from '#common/config/byte-size.ts';
import { type CommonConfig, logLevelOf, readCommonConfig } from '#common/config/common-config.ts';
import { type ConfigFile, readConfigFile } from '#common/config/config-file.ts';
import { parseDuration } from '#common/config/duration.ts';
import { fileProblem } from '#common/config/file-safety.ts';
import { mailTransportOf } from '#common/config/mail-schema.ts';
import type { Problems } from '#common/config/problems.ts';
import type { KeyPath } from '#common/config/yaml-source.ts';
import type { LogLevel } from '#common/create-log.ts';
import { fullHostname } from '#common/full-hostname.ts';
import type { MailTransport } from '#common/notify/mail.ts';
import { type KeepRule, type PolicySection, parsePolicy } from './forget-policy.ts';
import { parseReadData, type ReadDataPlan } from './read-data.ts';
import { serverConfigSchema } from './server-config-schema.ts';

/** What server_config.yml and common_config say together. */
export interface ServerConfig {
  readonly hostname: string;
  readonly adminEmail: string | undefined;
  readonly emailSubjectPrefix: string;
  readonly logLevel: LogLevel;
  /** Trees and downloads. */
  readonly workDir: string;
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly parallelHosts: number;
  /** Bytes per second, for all hosts together. */
  readonly bandwidthLimit: number | undefined;
  readonly lock: { readonly retries: number; readonly retryIntervalMs: number };
  readonly mail: MailTransport;
  readonly tar: string;
  readonly restic: ResticConfig;
  readonly maintenance: MaintenanceConfig;
  readonly hosts: readonly HostConfig[];
}

export interface ResticConfig {
  readonly command: string;
  readonly cacheDir: string;
  readonly envFile: string | undefined;
  readonly retryLockSeconds: number;
  readonly backupOptions: readonly string[];
}

export interface MaintenanceConfig {
  readonly prune: boolean;
  readonly check: boolean;
  readonly checkOptions: readonly string[];
  readonly readData: ReadDataPlan;
  readonly showStats: boolean;
  readonly logLevel: LogLevel;
  readonly adminEmail: string | undefined;
  readonly emailSubjectPrefix: string;
}

export interface HostConfig {
  /** Its name in archives, in restic and of its repository. */
  readonly name: string;
  readonly connection: ConnectionConfig;
  readonly repository: string;
  readonly passwordFile: string;
  readonly adminEmail: string | undefined;
  readonly keep: readonly KeepRule[];
  readonly bandwidthLimit: number | undefined;
  readonly afterFetch: 'move' | 'delete' | 'keep';
  readonly tree: 'keep' | 'discard';
  /** IANA name; the times in archive names are in it. */
  readonly archiveTimeZone: string;
  readonly optional: boolean;
  readonly maxAgeSeconds: number;
  readonly retries: number;
  readonly retryPauseMs: number;
  readonly maxEntries: number;
}

export type ConnectionConfig =
  | { readonly type: 'local'; readonly folder: string }
  | {
      readonly type: 'sftp';
      readonly folder: string;
      readonly address: string;
      readonly port: number;
      readonly user: string;
      readonly keyFile: string;
      /** Public keys or SHA256 fingerprints; when empty the known hosts file is asked. */
      readonly hostKeys: readonly string[];
      readonly knownHostsFile: string;
      readonly connectTimeoutMs: number;
    };

type ServerSection = FromSchema<typeof serverConfigSchema>;
type HostSection = ServerSection['hosts'][number];

/** Reads both files; undefined after adding every problem found. */
export async function loadServerConfig(configDir: string, problems: Problems): Promise<ServerConfig | undefined> {
  const common = await readCommonConfig(configDir, problems);
  const file = await readConfigFile(join(configDir, 'server_config.yml'), serverConfigSchema, problems);
  if (file === undefined) return undefined;
  const section = file.value as ServerSection;
  await checkSecrets(section, problems);
  const hosts = hostsOf(section, file);
  const readData = parseReadData(section.restic.maintenance);
  if (readData === undefined) {
    file.source.problemAt(
      ['restic', 'maintenance', 'check_read_data_mode'],
      'must be true, false, or a part such as "10%", "1/5" or "5G"',
    );
  }
  if (hosts === undefined || readData === undefined) return undefined;
  return {
    ...settingsOf(section, common),
    hostname: section.global.hostname ?? section.hostname ?? (await fullHostname()),
    maintenance: maintenanceOf(section, common, readData),
    hosts,
  };
}

/** Passwords and private keys that others can read are refused before anything uses them. */
async function checkSecrets(section: ServerSection, problems: Problems): Promise<void> {
  const merged = section.hosts.map((host) => ({ ...section.defaults, ...host }));
  const keys = merged.filter((host) => host.transport !== 'local').map((host) => host.ssh_key_file);
  const files = [
    section.restic.password_file,
    section.restic.env_file,
    ...merged.map((host) => host.password_file),
    ...keys,
  ];
  for (const path of new Set(files)) {
    const problem = path === undefined ? undefined : await fileProblem(path, true);
    if (problem !== undefined) problems.add(problem);
  }
}

function settingsOf(
  section: ServerSection,
  common: CommonConfig,
): Omit<ServerConfig, 'hostname' | 'maintenance' | 'hosts'> {
  const { global, restic } = section;
  return {
    adminEmail: global.admin_email ?? common('DEFAULT_ADMIN_EMAIL'),
    emailSubjectPrefix: global.email_subject_prefix ?? section.email_subject_prefix ?? '[Backup Server]',
    logLevel: logLevelOf(global.log_level, common),
    workDir: global.local_temp_base_dir ?? '/var/tmp/backup_server_work',
    stateDir: global.state_dir ?? '/var/lib/backup',
    runtimeDir: global.runtime_dir ?? '/run/backup',
    parallelHosts: global.parallel_hosts ?? 2,
    bandwidthLimit: bytes(global.bandwidth_limit),
    lock: { retries: global.lock_retries ?? 3, retryIntervalMs: seconds(global.lock_retry_interval, 120) * 1000 },
    mail: mailTransportOf(section.mail, global.msmtp_cmd ?? common('MSMTP_CMD') ?? 'msmtp'),
    tar: global.tar_cmd ?? common('TAR_CMD') ?? 'tar',
    restic: {
      command: restic.restic_cmd ?? common('RESTIC_CMD') ?? 'restic',
      cacheDir: restic.cache_dir,
      envFile: restic.env_file,
      retryLockSeconds: seconds(restic.retry_lock, 900),
      backupOptions: wordsOf(restic.backup_options),
    },
  };
}

function maintenanceOf(section: ServerSection, common: CommonConfig, readData: ReadDataPlan): MaintenanceConfig {
  const { maintenance } = section.restic;
  return {
    prune: maintenance.prune ?? true,
    check: maintenance.check ?? true,
    checkOptions: wordsOf(maintenance.check_options),
    readData,
    showStats: maintenance.show_stats ?? false,
    logLevel: logLevelOf(maintenance.log_level ?? section.global.log_level, common),
    adminEmail: maintenance.admin_email ?? section.global.admin_email ?? common('DEFAULT_ADMIN_EMAIL'),
    emailSubjectPrefix: maintenance.email_subject_prefix ?? '[Restic Maint]',
  };
}

/** Undefined after adding a problem for a host that cannot be used as it is. */
function hostsOf(section: ServerSection, { source }: ConfigFile): readonly HostConfig[] | undefined {
  const names = new Set<string>();
  const refused = new Set<string>();
  const refuse = (path: KeyPath, message: string): void => {
    if (!refused.has(path.join())) source.problemAt(path, message); // many hosts can share one bad policy
    refused.add(path.join());
  };
  const hosts = section.hosts.map((own, index) => {
    const host = { ...section.defaults, ...own };
    if (names.has(host.hostname)) refuse(['hosts', index, 'hostname'], `"${host.hostname}" is there twice`);
    names.add(host.hostname);
    const { path, policy } = policyOf(section, index);
    const keep = parsePolicy(policy);
    if (typeof keep === 'string') refuse(path, keep);
    for (const key of missingKeys(host))
      refuse(['hosts', index, key], `the key "${key}" is missing (here or in defaults)`);
    return hostConfigOf(host, section, typeof keep === 'string' ? [] : keep);
  });
  return refused.size === 0 ? hosts : undefined;
}

/** The nearest policy and its place: the host's own, or that of defaults, or that of all maintenance. */
function policyOf(section: ServerSection, index: number): { readonly path: KeyPath; readonly policy?: PolicySection } {
  const places = [
    [['hosts', index], section.hosts[index]],
    [['defaults'], section.defaults],
    [['restic', 'maintenance'], section.restic.maintenance],
  ] as const;
  for (const [place, settings] of places) {
    for (const key of ['forget_policy', 'restic_forget_policy'] as const) {
      const policy = (settings as Readonly<Record<string, unknown>> | undefined)?.[key];
      if (policy !== undefined) return { path: [...place, key], policy: policy as PolicySection };
    }
  }
  return { path: ['restic', 'maintenance', 'forget_policy'] };
}

function missingKeys(host: HostSection): readonly (keyof HostSection)[] {
  const needed = host.transport === 'local' ? (['remote_tar_dir'] as const) : sftpKeys;
  return needed.filter((key) => host[key] === undefined);
}

const sftpKeys = ['remote_tar_dir', 'ssh_user', 'ssh_key_file'] as const;

function hostConfigOf(host: HostSection, section: ServerSection, keep: readonly KeepRule[]): HostConfig {
  return {
    name: host.hostname,
    connection: connectionOf(host),
    repository: host.repository ?? joinRepository(section.restic.repository_root, host.hostname),
    passwordFile: host.password_file ?? section.restic.password_file,
    adminEmail: host.admin_email,
    keep,
    bandwidthLimit: bytes(host.bandwidth_limit),
    afterFetch: host.after_fetch ?? 'move',
    tree: host.tree ?? 'keep',
    archiveTimeZone: host.archive_time_zone ?? 'UTC',
    optional: host.optional ?? false,
    maxAgeSeconds: seconds(host.max_age, 36 * 3600),
    retries: host.retries ?? 2,
    retryPauseMs: seconds(host.retry_pause, 30) * 1000,
    maxEntries: host.max_entries ?? 5_000_000,
  };
}

/** Keys that it needs and that are missing have been refused. */
function connectionOf(host: HostSection): ConnectionConfig {
  const { remote_tar_dir: folder = '', ssh_user: user = '', ssh_key_file: keyFile = '' } = host;
  if (host.transport === 'local') return { type: 'local', folder };
  return {
    type: 'sftp',
    folder,
    address: host.address ?? host.hostname,
    port: host.ssh_port ?? 22,
    user,
    keyFile,
    hostKeys: [host.host_key ?? []].flat(),
    knownHostsFile: host.known_hosts_file ?? '/root/.ssh/known_hosts',
    connectTimeoutMs: seconds(host.connect_timeout, 10) * 1000,
  };
}

/** `<root>/<host>`; a URL that ends with `:` or `/` needs no further slash. */
function joinRepository(root: string, host: string): string {
  return /[/:]$/.test(root) ? `${root}${host}` : `${root}/${host}`;
}

function seconds(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : (parseDuration(text) ?? otherwise);
}

function bytes(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseByteSize(text);
}

/** A list as it is, a text cut at blanks outside of quotes. */
function wordsOf(options: string | readonly string[] | undefined): readonly string[] {
  if (options === undefined || typeof options !== 'string') return options ?? [];
  const words = options.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
