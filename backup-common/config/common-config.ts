import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogLevel } from '../create-log.ts';
import { hasCode } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { parseEnvFile } from './env-file.ts';
import { fileProblem } from './file-safety.ts';
import type { Problems } from './problems.ts';

/** The keys of common_config, with their defaults; undefined where there is none. */
export const commonKeys = {
  YQ_CMD: { default: undefined, description: 'Not used any more; accepted from older configurations.' },
  JQ_CMD: { default: undefined, description: 'Not used any more; accepted from older configurations.' },
  GZIP_CMD: { default: undefined, description: 'Not used any more; accepted from older configurations.' },
  SCP_CMD: { default: undefined, description: 'Not used any more; accepted from older configurations.' },
  SSH_CMD: { default: undefined, description: 'Not used any more; accepted from older configurations.' },
  TAR_CMD: { default: 'tar', description: 'GNU tar.' },
  RSYNC_CMD: { default: 'rsync', description: 'rsync.' },
  RESTIC_CMD: { default: 'restic', description: 'restic.' },
  MSMTP_CMD: { default: 'msmtp', description: 'The program that sends mails where mail: does not say otherwise.' },
  DOCKER_CMD: { default: 'docker compose', description: 'Docker compose, as a command or a plugin of docker.' },
  PG_DUMP_CMD: { default: 'pg_dump', description: "PostgreSQL's dump program." },
  MYSQL_DUMP_CMD: { default: 'mysqldump', description: "MySQL's or MariaDB's dump program." },
  INFLUX_CMD: { default: 'influx', description: "InfluxDB's client." },
  UNIVENTION_BACKUP_CMD: { default: 'univention-backup', description: "Univention's backup program." },
  DEFAULT_ADMIN_EMAIL: { default: undefined, description: 'Who gets mails where nothing else says so.' },
  DEFAULT_PLUGIN_DIR: { default: '/opt/backup/lib/plugins', description: "The user's own plugins." },
  DEFAULT_MIN_FREE_SPACE_MB: { default: '500', description: 'Free space in MiB that a backup must leave.' },
  DEFAULT_KEEP_DAYS: { default: '7', description: 'Days that archives stay on the client.' },
  LOG_LEVEL: { default: '2', description: '0 errors, 1 warnings, 2 information, 3 debugging.' },
  LOG_LEVEL_COMMON: { default: undefined, description: 'The same as LOG_LEVEL, in the spelling the original reads.' },
} as const satisfies Readonly<Record<string, { readonly default: string | undefined; readonly description: string }>>;

export type CommonKey = keyof typeof commonKeys;

/** The values of common_config over its defaults. */
export type CommonConfig = (key: CommonKey) => string | undefined;

interface Rule {
  readonly pattern: RegExp;
  readonly expected: string;
}

const level: Rule = { pattern: /^[0-3]$/, expected: 'must be 0, 1, 2 or 3' };
const rules: Readonly<Partial<Record<CommonKey, Rule>>> = {
  DEFAULT_MIN_FREE_SPACE_MB: { pattern: /^\d+$/, expected: 'must be a whole number' },
  DEFAULT_KEEP_DAYS: { pattern: /^0*[1-9]\d*$/, expected: 'must be a whole number from 1' },
  LOG_LEVEL: level,
  LOG_LEVEL_COMMON: level,
};

/**
 * Reads `<configDir>/common_config`; without the file, or where a value is empty, the defaults count. Adds a problem for
 * everything wrong.
 */
export async function readCommonConfig(configDir: string, problems: Problems): Promise<CommonConfig> {
  const file = join(configDir, 'common_config');
  const values = parseEnvFile(file, await readIfSafe(file, problems), problems);
  for (const [key, { value, line, column }] of values) {
    const message = isCommonKey(key) ? valueProblem(key, value) : unknownKey(key);
    if (message !== undefined) problems.add({ file, line, column, path: key, message });
  }
  return (key) => values.get(key)?.value || commonKeys[key].default;
}

async function readIfSafe(file: string, problems: Problems): Promise<string> {
  if (!(await isThere(file))) return '';
  const unsafe = await fileProblem(file, false);
  if (unsafe === undefined) return readFile(file, 'utf8');
  problems.add(unsafe);
  return '';
}

/** True as well for a link that leads nowhere and for what cannot be looked at: these are not "no file". */
async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    (error) => !hasCode(error, 'ENOENT'),
  );
}

function valueProblem(key: CommonKey, value: string): string | undefined {
  const rule = rules[key];
  return rule === undefined || value === '' || rule.pattern.test(value) ? undefined : rule.expected;
}

function isCommonKey(key: string): key is CommonKey {
  return Object.hasOwn(commonKeys, key);
}

function unknownKey(key: string): string {
  const near = nearest(key, Object.keys(commonKeys));
  return `is no known key${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

/** A file's own log level, or else that of common_config. */
export function logLevelOf(own: LogLevel | undefined, common: CommonConfig): LogLevel {
  const level = own ?? Number(common('LOG_LEVEL_COMMON') ?? common('LOG_LEVEL'));
  return ([0, 1, 2, 3] as const).find((known) => known === level) ?? 2;
}
