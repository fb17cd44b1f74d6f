import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FromSchema } from 'json-schema-to-ts';
import { type CommonConfig, logLevelOf, readCommonConfig } from '#common/config/common-config.ts';
import { readConfigFile } from '#common/config/config-file.ts';
import { parseDuration } from '#common/config/duration.ts';
import { mailTransportOf } from '#common/config/mail-schema.ts';
import type { Problems } from '#common/config/problems.ts';
import type { LogLevel } from '#common/create-log.ts';
import { fullHostname } from '#common/full-hostname.ts';
import type { MailTransport } from '#common/notify/mail.ts';
import type { ToolCommands } from '#common/plugin/collector.ts';
import { clientConfigSchema } from './client-config-schema.ts';

/** What client_config.yml and common_config say together. */
export interface ClientConfig {
  readonly hostname: string;
  readonly baseBackupDir: string;
  readonly backupUser: Account;
  readonly backupGroup: Account;
  readonly adminEmail: string | undefined;
  readonly emailSubjectPrefix: string;
  readonly keepDays: number;
  readonly minFreeSpaceBytes: number;
  /** How often everything is read, and nothing is copied from the last archive. */
  readonly fullReadEverySeconds: number;
  readonly pluginDir: string;
  readonly logLevel: LogLevel;
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly lock: { readonly retries: number; readonly retryIntervalMs: number };
  readonly mail: MailTransport;
  readonly tools: ToolCommands;
  /** What the coverage audit does not name: `<kind>/<name>`, with `*` for anything. */
  readonly ignore: readonly string[];
}

export interface Account {
  readonly name: string;
  readonly id: number;
}

type ClientSection = FromSchema<typeof clientConfigSchema>;

/** Reads both files; undefined after adding every problem found. */
export async function loadClientConfig(configDir: string, problems: Problems): Promise<ClientConfig | undefined> {
  const common = await readCommonConfig(configDir, problems);
  const file = await readConfigFile(join(configDir, 'client_config.yml'), clientConfigSchema, problems);
  if (file === undefined) return undefined;
  const section = file.value as ClientSection;
  const backupUser = await accountOf('/etc/passwd', section.backup_user);
  const backupGroup = await accountOf('/etc/group', section.backup_group);
  if (backupUser === undefined)
    file.source.problemAt(['backup_user'], `there is no user "${section.backup_user}"; adduser --system it`);
  if (backupGroup === undefined)
    file.source.problemAt(['backup_group'], `there is no group "${section.backup_group}"; addgroup --system it`);
  if (backupUser === undefined || backupGroup === undefined) return undefined;
  return {
    ...settingsOf(section, common),
    backupUser,
    backupGroup,
    hostname: section.hostname ?? (await fullHostname()),
  };
}

function settingsOf(
  section: ClientSection,
  common: CommonConfig,
): Omit<ClientConfig, 'backupUser' | 'backupGroup' | 'hostname'> {
  const number = (own: number | undefined, key: Parameters<CommonConfig>[0]) => own ?? Number(common(key));
  return {
    baseBackupDir: section.base_backup_dir,
    adminEmail: section.admin_email ?? common('DEFAULT_ADMIN_EMAIL'),
    emailSubjectPrefix: section.email_subject_prefix,
    keepDays: number(section.keep_days, 'DEFAULT_KEEP_DAYS'),
    minFreeSpaceBytes: number(section.min_free_space_mb, 'DEFAULT_MIN_FREE_SPACE_MB') * 1024 ** 2,
    fullReadEverySeconds: parseDuration(section.full_read_every) ?? 0,
    pluginDir: section.plugin_dir ?? common('DEFAULT_PLUGIN_DIR') ?? '',
    logLevel: logLevelOf(section.log_level, common),
    stateDir: section.state_dir,
    runtimeDir: section.runtime_dir,
    lock: {
      retries: section.lock.retries ?? 3,
      retryIntervalMs: (parseDuration(section.lock.retry_interval ?? '60s') ?? 60) * 1000,
    },
    mail: mailTransportOf(section.mail, section.tools.msmtp_cmd ?? common('MSMTP_CMD') ?? 'msmtp'),
    tools: toolsOf(section, common),
    ignore: section.ignore,
  };
}

function toolsOf({ tools }: ClientSection, common: CommonConfig): ToolCommands {
  return {
    docker: tools.docker_cmd ?? common('DOCKER_CMD') ?? 'docker compose',
    influx: tools.influx_cmd ?? common('INFLUX_CMD') ?? 'influx',
    mysqldump: tools.mysqldump_cmd ?? common('MYSQL_DUMP_CMD') ?? 'mysqldump',
    pg_dump: tools.pg_dump_cmd ?? common('PG_DUMP_CMD') ?? 'pg_dump',
    rsync: tools.rsync_cmd ?? common('RSYNC_CMD') ?? 'rsync',
    tar: tools.tar_cmd ?? common('TAR_CMD') ?? 'tar',
    univention_backup: tools.univention_backup_cmd ?? common('UNIVENTION_BACKUP_CMD') ?? 'univention-backup',
  };
}

/** The id of a local user or group by name. */
async function accountOf(file: string, name: string): Promise<Account | undefined> {
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const [found, , id] = line.split(':');
    if (found === name && id !== undefined) return { name, id: Number(id) };
  }
  return undefined;
}
