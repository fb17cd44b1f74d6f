import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { formatProblem, Problems } from '#common/config/problems.ts';
import { fullHostname } from '#common/full-hostname.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { loadClientConfig } from './config.ts';

const needed = 'base_backup_dir: /var/backups/drop\nbackup_user: root\nbackup_group: root\n';

/** Loads a client_config.yml with the needed keys and these lines; `FILE` stands for its path in the messages. */
async function load(test: TestContext, lines = '', common = '', text = `${needed}${lines}`) {
  const folder = await tempFolder(test);
  const path = join(folder, 'client_config.yml');
  await writeFile(path, text, { mode: 0o600 });
  await writeFile(join(folder, 'common_config'), common, { mode: 0o600 });
  const problems = new Problems();
  const config = await loadClientConfig(folder, problems);
  return { config, messages: problems.list.map((problem) => formatProblem(problem).replaceAll(folder, '')) };
}

/** The same, where nothing must be wrong. */
async function loadGood(test: TestContext, lines?: string, common?: string) {
  const { config, messages } = await load(test, lines, common);
  assert.deepEqual(messages, []);
  assert.ok(config !== undefined);
  return config;
}

it('three keys are enough, everything else has a default', async (test) => {
  assert.deepEqual(await loadGood(test), {
    baseBackupDir: '/var/backups/drop',
    backupUser: { name: 'root', id: 0 },
    backupGroup: { name: 'root', id: 0 },
    hostname: await fullHostname(),
    adminEmail: undefined,
    emailSubjectPrefix: '[Backup Error]',
    keepDays: 7,
    minFreeSpaceBytes: 500 * 1024 ** 2,
    fullReadEverySeconds: 30 * 86_400,
    pluginDir: '/opt/backup/lib/plugins',
    logLevel: 2,
    stateDir: '/var/lib/backup',
    runtimeDir: '/run/backup',
    lock: { retries: 3, retryIntervalMs: 60_000 },
    mail: { type: 'sendmail', command: ['msmtp'] },
    tools: {
      docker: 'docker compose',
      influx: 'influx',
      mysqldump: 'mysqldump',
      pg_dump: 'pg_dump',
      rsync: 'rsync',
      tar: 'tar',
      univention_backup: 'univention-backup',
    },
    ignore: [],
  });
});

describe('the file itself comes before common_config, which comes before the default', () => {
  const common = [
    'DEFAULT_ADMIN_EMAIL=common@example.org',
    'DEFAULT_KEEP_DAYS=30',
    'DEFAULT_MIN_FREE_SPACE_MB=1',
    'DEFAULT_PLUGIN_DIR=/common',
    'LOG_LEVEL=1',
    'TAR_CMD=/common/tar',
    'RSYNC_CMD=/common/rsync',
    'MSMTP_CMD=/common/msmtp',
  ].join('\n');
  const own = [
    'admin_email: own@example.org',
    'keep_days: 1',
    'min_free_space_mb: 0',
    'plugin_dir: /own',
    'log_level: 0',
    'tools: { tar_cmd: /own/tar, rsync_cmd: /own/rsync, msmtp_cmd: /own/msmtp }',
  ].join('\n');
  const valuesOf = (config: Awaited<ReturnType<typeof loadGood>>) => [
    config.adminEmail,
    config.keepDays,
    config.minFreeSpaceBytes,
    config.pluginDir,
    config.logLevel,
    config.tools.tar,
    config.tools.rsync,
    config.mail,
  ];

  it('common_config', async (test) =>
    assert.deepEqual(valuesOf(await loadGood(test, '', common)), [
      'common@example.org',
      30,
      1024 ** 2,
      '/common',
      1,
      '/common/tar',
      '/common/rsync',
      { type: 'sendmail', command: ['/common/msmtp'] },
    ]));

  it('the file itself, 0 included', async (test) =>
    assert.deepEqual(valuesOf(await loadGood(test, own, common)), [
      'own@example.org',
      1,
      0,
      '/own',
      0,
      '/own/tar',
      '/own/rsync',
      { type: 'sendmail', command: ['/own/msmtp'] },
    ]));
});

it('every key of the original is understood', async (test) => {
  const lines = [
    'admin_email: admin@example.org',
    'keep_days: 7',
    'plugin_dir: /opt/backup/lib/plugins',
    'email_subject_prefix: "[Backup]"',
    'hostname: web.example.org',
    'min_free_space_mb: 500',
    'log_level: 3',
    'tools:',
    ...['yq', 'tar', 'rsync', 'docker', 'pg_dump', 'mysqldump', 'msmtp'].map((name) => `  ${name}_cmd: /bin/${name}`),
  ].join('\n');
  const config = await loadGood(test, lines);
  assert.equal(config.hostname, 'web.example.org');
  assert.equal(config.emailSubjectPrefix, '[Backup]');
});

it('the newer keys mean what they say', async (test) => {
  const config = await loadGood(
    test,
    'full_read_every: 0s\nlock: { retries: 0, retry_interval: 1m30s }\nstate_dir: /s\nruntime_dir: /r\n',
  );
  assert.equal(config.fullReadEverySeconds, 0);
  assert.deepEqual(config.lock, { retries: 0, retryIntervalMs: 90_000 });
  assert.deepEqual([config.stateDir, config.runtimeDir], ['/s', '/r']);
});

it('a lock section with one key keeps the default of the other', async (test) =>
  assert.deepEqual((await loadGood(test, 'lock: { retries: 1 }')).lock, { retries: 1, retryIntervalMs: 60_000 }));

describe('what is refused', () => {
  const cases: readonly (readonly [lines: string, message: string])[] = [
    ['keep_days: 0', ':4:12: keep_days: must be >= 1'],
    ['keep_days: "7"', ':4:12: keep_days: must be a whole number, not "7"'],
    ['min_free_space_mb: -1', ':4:20: min_free_space_mb: must be >= 0'],
    ['log_level: 4', ':4:12: log_level: must be one of 0, 1, 2, 3'],
    ['plugin_dir: plugins', ':4:13: plugin_dir: must be an absolute path'],
    ['full_read_every: 30', ':4:18: full_read_every: must be a text, not 30'],
    ['full_read_every: "30"', ':4:18: full_read_every: must be a duration with a unit, such as 90s, 15m, 26h or 30d'],
    ['admin_mail: x', ':4:1: admin_mail: is no known key; did you mean "admin_email"?'],
    ['tools: { tarcmd: tar }', ':4:10: tools.tarcmd: is no known key; did you mean "tar_cmd"?'],
    ['tools: { tar_cmd: "" }', ':4:19: tools.tar_cmd: must not be empty'],
  ];
  for (const [lines, message] of cases) {
    it(lines, async (test) => {
      const { config, messages } = await load(test, lines);
      assert.equal(config, undefined);
      assert.deepEqual(messages, [`/client_config.yml${message}`]);
    });
  }

  it('a host name that could lead out of the drop folder', async (test) =>
    assert.match(
      (await load(test, 'hostname: ../web')).messages[0] ?? '',
      /:4:11: hostname: must be a name of letters/,
    ));

  it('an account and a group that are not there, both at once and with what to do', async (test) => {
    const text = 'base_backup_dir: /drop\nbackup_user: no-such-user\nbackup_group: no-such-group\n';
    const { config, messages } = await load(test, '', '', text);
    assert.equal(config, undefined);
    assert.deepEqual(messages, [
      '/client_config.yml:2:14: backup_user: there is no user "no-such-user"; adduser --system it',
      '/client_config.yml:3:15: backup_group: there is no group "no-such-group"; addgroup --system it',
    ]);
  });

  it('an empty file, which lacks each of the three keys', async (test) => {
    const { messages } = await load(test, '', '', '');
    assert.equal(messages.length, 3);
    for (const message of messages) assert.match(message, /^\/client_config\.yml:1:1: the key "\w+" is missing \(/);
  });

  it('both files, in one go', async (test) => {
    const { messages } = await load(test, 'keep_days: 0', 'TAR_CMDD=x');
    assert.deepEqual(messages, [
      '/common_config:1:10: TAR_CMDD: is no known key; did you mean "TAR_CMD"?',
      '/client_config.yml:4:12: keep_days: must be >= 1',
    ]);
  });
});

it('a missing client_config.yml is named', async (test) => {
  const folder = await tempFolder(test);
  const problems = new Problems();
  assert.equal(await loadClientConfig(folder, problems), undefined);
  assert.deepEqual(problems.list.map(formatProblem), [`${folder}/client_config.yml: does not exist`]);
});

it('a client_config.yml that others may write is refused, with what mends it', async (test) => {
  const folder = await tempFolder(test);
  const path = join(folder, 'client_config.yml');
  await writeFile(path, needed);
  await chmod(path, 0o664);
  const problems = new Problems();
  assert.equal(await loadClientConfig(folder, problems), undefined);
  assert.deepEqual(problems.list.map(formatProblem), [`${path}: can be written by others; chmod go-w ${path}`]);
});
