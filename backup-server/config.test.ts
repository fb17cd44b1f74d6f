import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { formatProblem, Problems } from '#common/config/problems.ts';
import { fullHostname } from '#common/full-hostname.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { loadServerConfig } from './config.ts';

type Section = Readonly<Record<string, unknown>>;

interface Settings {
  readonly top?: Section;
  readonly global?: Section;
  readonly restic?: Section;
  readonly maintenance?: Section;
  readonly defaults?: Section;
  readonly hosts?: readonly Section[];
}

/** What is needed, with these settings over it, as JSON, which is YAML too. In all texts `DIR` stands for the folder of the configuration. */
function textOf({ top, global = {}, restic, maintenance = {}, defaults, hosts = [{ hostname: 'web' }] }: Settings) {
  return JSON.stringify(
    {
      ...top,
      global,
      restic: { repository_root: '/srv/restic', password_file: 'DIR/password', maintenance, ...restic },
      defaults: { ssh_user: 'backup', ssh_key_file: 'DIR/key', remote_tar_dir: '/drop', ...defaults },
      hosts,
    },
    null,
    2,
  );
}

async function load(test: TestContext, text: string, common = '', secretMode = 0o600) {
  const folder = await tempFolder(test);
  const secrets = { password: 'x', key: 'x', other: 'x', env: 'A=b' };
  const files = { 'server_config.yml': text.replaceAll('DIR', folder), common_config: common, ...secrets };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });
  for (const name of Object.keys(secrets)) await chmod(join(folder, name), secretMode);
  const problems = new Problems();
  const config = await loadServerConfig(folder, problems);
  return { folder, config, messages: problems.list.map((problem) => formatProblem(problem).replaceAll(folder, 'DIR')) };
}

/** The same, where nothing must be wrong; `host` is the first one. */
async function loadGood(test: TestContext, settings: Settings = {}, common?: string) {
  const { folder, config, messages } = await load(test, textOf(settings), common);
  assert.deepEqual(messages, []);
  const host = config?.hosts[0];
  assert.ok(config !== undefined && host !== undefined);
  return { folder, config, host };
}

it('what is left out has a default', async (test) => {
  const { folder, config, host } = await loadGood(test);
  const { hosts, maintenance, ...rest } = config;
  assert.deepEqual(rest, {
    hostname: await fullHostname(),
    adminEmail: undefined,
    emailSubjectPrefix: '[Backup Server]',
    logLevel: 2,
    workDir: '/var/tmp/backup_server_work',
    stateDir: '/var/lib/backup',
    runtimeDir: '/run/backup',
    parallelHosts: 2,
    bandwidthLimit: undefined,
    lock: { retries: 3, retryIntervalMs: 120_000 },
    mail: { type: 'sendmail', command: ['msmtp'] },
    tar: 'tar',
    restic: {
      command: 'restic',
      cacheDir: '/var/cache/backup/restic',
      envFile: undefined,
      retryLockSeconds: 900,
      backupOptions: [],
    },
  });
  assert.deepEqual(maintenance, {
    prune: true,
    check: true,
    checkOptions: [],
    readData: { type: 'none' },
    showStats: false,
    logLevel: 2,
    adminEmail: undefined,
    emailSubjectPrefix: '[Restic Maint]',
  });
  assert.equal(hosts.length, 1);
  assert.deepEqual(host, {
    name: 'web',
    connection: {
      type: 'sftp',
      folder: '/drop',
      address: 'web',
      port: 22,
      user: 'backup',
      keyFile: join(folder, 'key'),
      hostKeys: [],
      knownHostsFile: '/root/.ssh/known_hosts',
      connectTimeoutMs: 10_000,
    },
    repository: '/srv/restic/web',
    passwordFile: join(folder, 'password'),
    adminEmail: undefined,
    keep: [
      ['--keep-daily', '7'],
      ['--keep-weekly', '4'],
      ['--keep-monthly', '12'],
      ['--keep-yearly', '3'],
    ],
    bandwidthLimit: undefined,
    afterFetch: 'move',
    tree: 'keep',
    archiveTimeZone: 'UTC',
    optional: false,
    maxAgeSeconds: 36 * 3600,
    retries: 2,
    retryPauseMs: 30_000,
    maxEntries: 5_000_000,
  });
});

describe('false and 0 stay what they are', () => {
  for (const key of ['prune', 'check'] as const) {
    it(`${key}: false`, async (test) => {
      const { config } = await loadGood(test, { maintenance: { [key]: false } });
      assert.equal(config.maintenance[key], false);
      assert.equal(config.maintenance[key === 'prune' ? 'check' : 'prune'], true);
    });
  }

  it('log_level, lock_retries and retries: 0', async (test) => {
    const { config, host } = await loadGood(test, {
      global: { log_level: 0, lock_retries: 0 },
      defaults: { retries: 0 },
    });
    assert.deepEqual([config.logLevel, config.maintenance.logLevel, config.lock.retries, host.retries], [0, 0, 0, 0]);
  });

  it('optional: false of a host over optional: true of defaults', async (test) => {
    const { host } = await loadGood(test, {
      defaults: { optional: true },
      hosts: [{ hostname: 'web', optional: false }],
    });
    assert.equal(host.optional, false);
  });
});

describe('both spellings are understood', () => {
  const cases: readonly (readonly [what: string, settings: Settings, hostname: string, prefix: string])[] = [
    ['under global', { global: { hostname: 'g', email_subject_prefix: '[G]' } }, 'g', '[G]'],
    ['at the top', { top: { hostname: 't', email_subject_prefix: '[T]' } }, 't', '[T]'],
    [
      'both, where global comes first',
      { top: { hostname: 't', email_subject_prefix: '[T]' }, global: { hostname: 'g', email_subject_prefix: '[G]' } },
      'g',
      '[G]',
    ],
  ];
  for (const [what, settings, hostname, prefix] of cases) {
    it(`hostname and email_subject_prefix ${what}`, async (test) => {
      const { config } = await loadGood(test, settings);
      assert.deepEqual([config.hostname, config.emailSubjectPrefix], [hostname, prefix]);
    });
  }

  for (const key of ['forget_policy', 'restic_forget_policy']) {
    it(`${key} of a host, as a text and as a map`, async (test) => {
      for (const policy of ['--keep-last 3', { last: 3 }]) {
        const { host } = await loadGood(test, { hosts: [{ hostname: 'web', [key]: policy }] });
        assert.deepEqual(host.keep, [['--keep-last', '3']]);
      }
    });
  }

  it('options as a list and as a text with quotes', async (test) => {
    const list = ['--compression=max', '--exclude=a b', '--tag', ''];
    const text = `--compression=max  "--exclude=a b"\n--tag ''`;
    for (const options of [list, text]) {
      const { config } = await loadGood(test, {
        restic: { backup_options: options, maintenance: { check_options: options } },
      });
      assert.deepEqual(config.restic.backupOptions, list);
      assert.deepEqual(config.maintenance.checkOptions, list);
    }
  });

  it('every key of the original', async (test) => {
    const names = ['msmtp', 'yq', 'jq'].map((name) => [`${name}_cmd`, `/bin/${name}`] as const);
    const { config, host } = await loadGood(test, {
      global: {
        ...Object.fromEntries(names),
        local_temp_base_dir: '/work',
        admin_email: 'admin@example.org',
        log_level: 3,
      },
      restic: { restic_cmd: '/opt/restic' },
      maintenance: {
        forget_policy: '--keep-daily 7 --keep-weekly 4 --keep-monthly 12 --keep-yearly 3',
        prune: true,
        check: true,
        check_options: '--with-cache',
        check_read_data_mode: '10%',
        show_stats: true,
        log_level: 1,
        admin_email: 'upkeep@example.org',
        email_subject_prefix: '[Upkeep]',
      },
      hosts: [
        {
          hostname: 'web.example.org',
          ssh_user: 'fetch',
          ssh_key_file: 'DIR/other',
          remote_tar_dir: '/other',
          admin_email: 'web@example.org',
        },
      ],
    });
    assert.deepEqual([config.workDir, config.adminEmail, config.logLevel], ['/work', 'admin@example.org', 3]);
    assert.deepEqual(config.mail, { type: 'sendmail', command: ['/bin/msmtp'] });
    assert.equal(config.restic.command, '/opt/restic');
    assert.deepEqual(config.maintenance, {
      prune: true,
      check: true,
      checkOptions: ['--with-cache'],
      readData: { type: 'subset', subset: '10%' },
      showStats: true,
      logLevel: 1,
      adminEmail: 'upkeep@example.org',
      emailSubjectPrefix: '[Upkeep]',
    });
    assert.deepEqual([host.name, host.adminEmail], ['web.example.org', 'web@example.org']);
    assert.ok(host.connection.type === 'sftp');
    assert.deepEqual([host.connection.user, host.connection.folder], ['fetch', '/other']);
  });
});

it('the file itself comes before common_config', async (test) => {
  const common =
    'DEFAULT_ADMIN_EMAIL=c@example.org\nLOG_LEVEL=1\nTAR_CMD=/c/tar\nRESTIC_CMD=/c/restic\nMSMTP_CMD=/c/msmtp';
  const { config } = await loadGood(test, {}, common);
  assert.deepEqual(
    [config.adminEmail, config.maintenance.adminEmail, config.logLevel, config.tar, config.restic.command, config.mail],
    ['c@example.org', 'c@example.org', 1, '/c/tar', '/c/restic', { type: 'sendmail', command: ['/c/msmtp'] }],
  );
  const own = await loadGood(
    test,
    { global: { admin_email: 'o@example.org', log_level: 3, tar_cmd: '/o/tar' }, restic: { restic_cmd: '/o/restic' } },
    common,
  );
  assert.deepEqual(
    [own.config.adminEmail, own.config.logLevel, own.config.tar, own.config.restic.command],
    ['o@example.org', 3, '/o/tar', '/o/restic'],
  );
});

describe('the policy that counts for a host is the nearest', () => {
  const maintenance = { forget_policy: { daily: 1 } };
  const cases: readonly (readonly [what: string, settings: Settings, kept: string])[] = [
    ['that of maintenance', { maintenance }, '--keep-daily'],
    ['that of defaults', { maintenance, defaults: { forget_policy: { weekly: 1 } } }, '--keep-weekly'],
    [
      'its own',
      {
        maintenance,
        defaults: { forget_policy: { weekly: 1 } },
        hosts: [{ hostname: 'web', forget_policy: { yearly: 1 } }],
      },
      '--keep-yearly',
    ],
    [
      'its own also in the older spelling, over the newer one of defaults',
      {
        maintenance,
        defaults: { forget_policy: { weekly: 1 } },
        hosts: [{ hostname: 'web', restic_forget_policy: { yearly: 1 } }],
      },
      '--keep-yearly',
    ],
  ];
  for (const [what, settings, kept] of cases) {
    it(what, async (test) => assert.deepEqual((await loadGood(test, settings)).host.keep, [[kept, '1']]));
  }
});

describe('the repository of a host', () => {
  const cases: readonly (readonly [root: string, own: string | undefined, repository: string])[] = [
    ['/srv/restic', undefined, '/srv/restic/web'],
    ['/srv/restic/', undefined, '/srv/restic/web'],
    ['rest:https://backup.example.org', undefined, 'rest:https://backup.example.org/web'],
    ['s3:s3.example.org/bucket/', undefined, 's3:s3.example.org/bucket/web'],
    ['rclone:remote:', undefined, 'rclone:remote:web'],
    ['/srv/restic', 'sftp:elsewhere:/web', 'sftp:elsewhere:/web'],
  ];
  for (const [root, own, repository] of cases) {
    it(`is ${repository} with the root ${root}${own === undefined ? '' : ' and its own'}`, async (test) => {
      const hosts = [{ hostname: 'web', ...(own !== undefined && { repository: own }) }];
      assert.equal((await loadGood(test, { restic: { repository_root: root }, hosts })).host.repository, repository);
    });
  }
});

describe('a host', () => {
  it('on this machine needs a folder and nothing of SSH', async (test) => {
    const folder = { hostname: 'web', transport: 'local', remote_tar_dir: '/here' };
    const text = JSON.stringify({
      restic: { repository_root: '/srv/restic', password_file: 'DIR/password' },
      hosts: [folder],
    });
    const { config, messages } = await load(test, text);
    assert.deepEqual(messages, []);
    assert.deepEqual(config?.hosts[0]?.connection, { type: 'local', folder: '/here' });
  });

  it('has all that defaults and its own keys say', async (test) => {
    const { folder, host } = await loadGood(test, {
      defaults: { ssh_port: 2222, bandwidth_limit: '10MiB', max_age: '14d', tree: 'discard', after_fetch: 'delete' },
      hosts: [
        {
          hostname: 'web',
          address: '192.0.2.1',
          host_key: ['SHA256:a', 'SHA256:b'],
          known_hosts_file: '/known',
          connect_timeout: '30s',
          ssh_port: 22022,
          password_file: 'DIR/other',
          archive_time_zone: 'Europe/Berlin',
          retry_pause: '1m',
          max_entries: 10,
          after_fetch: 'keep',
        },
      ],
    });
    assert.ok(host.connection.type === 'sftp');
    const { address, port, hostKeys, knownHostsFile, connectTimeoutMs } = host.connection;
    assert.deepEqual(
      { address, port, hostKeys, knownHostsFile, connectTimeoutMs },
      {
        address: '192.0.2.1',
        port: 22022,
        hostKeys: ['SHA256:a', 'SHA256:b'],
        knownHostsFile: '/known',
        connectTimeoutMs: 30_000,
      },
    );
    const { bandwidthLimit, maxAgeSeconds, tree, afterFetch, passwordFile, archiveTimeZone, retryPauseMs, maxEntries } =
      host;
    assert.deepEqual(
      { bandwidthLimit, maxAgeSeconds, tree, afterFetch, passwordFile, archiveTimeZone, retryPauseMs, maxEntries },
      {
        bandwidthLimit: 10 * 1024 ** 2,
        maxAgeSeconds: 14 * 86_400,
        tree: 'discard',
        afterFetch: 'keep',
        passwordFile: join(folder, 'other'),
        archiveTimeZone: 'Europe/Berlin',
        retryPauseMs: 60_000,
        maxEntries: 10,
      },
    );
  });
});

describe('what is refused, in place and all at once', () => {
  const policyReason = 'keeps nothing at all; say how many snapshots to keep';
  const cases: readonly (readonly [what: string, settings: Settings, messages: readonly string[]])[] = [
    [
      'a name that is there twice',
      { hosts: [{ hostname: 'web' }, { hostname: 'db' }, { hostname: 'web' }] },
      ['hosts[2].hostname: "web" is there twice'],
    ],
    ['no hosts', { hosts: [] }, ['hosts: must not be empty']],
    [
      'a bad policy of maintenance, once however many hosts share it',
      { maintenance: { forget_policy: { within: '0d' } }, hosts: [{ hostname: 'a' }, { hostname: 'b' }] },
      [`restic.maintenance.forget_policy: ${policyReason}`],
    ],
    [
      'a bad policy of defaults and one of a host, each at its key',
      {
        defaults: { forget_policy: '--keep-daily 0' },
        hosts: [{ hostname: 'a' }, { hostname: 'b', restic_forget_policy: { within: '0d' } }],
      },
      [
        'defaults.forget_policy: "--keep-daily 0" is no rule such as --keep-daily 7 or --keep-within 2m',
        `hosts[1].restic_forget_policy: ${policyReason}`,
      ],
    ],
    [
      'a part of the data that makes no sense',
      { maintenance: { check_read_data_mode: '6/5' } },
      ['restic.maintenance.check_read_data_mode: must be true, false, or a part such as "10%", "1/5" or "5G"'],
    ],
    [
      'a quote that is never closed',
      { restic: { backup_options: '--exclude="a b' } },
      [
        'restic.backup_options: must be a list of arguments, or a text of arguments separated by blanks with every quote closed',
      ],
    ],
    [
      'a limit of nothing',
      { defaults: { bandwidth_limit: '0MB' } },
      ['defaults.bandwidth_limit: must be a size above 0 with a unit, such as 500MiB or 10GB'],
    ],
    [
      'a name that would lead out of the repositories',
      { hosts: [{ hostname: '../web' }] },
      ['hosts[0].hostname: must be a name of letters, digits, ".", "_" and "-" that does not begin with "." or "-"'],
    ],
    [
      'a nearly known key of a host',
      { hosts: [{ hostname: 'web', ssh_prt: 22 }] },
      ['hosts[0].ssh_prt: is no known key; did you mean "ssh_port"?'],
    ],
    [
      'what is no boolean',
      { maintenance: { prune: 'false' } },
      ['restic.maintenance.prune: must be true or false, not "false"'],
    ],
  ];
  for (const [what, settings, messages] of cases) {
    it(what, async (test) => {
      const loaded = await load(test, textOf(settings));
      assert.equal(loaded.config, undefined);
      assert.deepEqual(
        loaded.messages.map((message) => message.replace(/^DIR\/server_config\.yml:\d+:\d+: /, '')),
        messages,
      );
    });
  }

  it('a host without anything of SSH: each missing key', async (test) => {
    const text = 'restic: { repository_root: /r, password_file: DIR/password }\nhosts:\n  - hostname: web\n';
    assert.deepEqual(
      (await load(test, text)).messages,
      ['remote_tar_dir', 'ssh_user', 'ssh_key_file'].map(
        (key) => `DIR/server_config.yml:3:5: hosts[0].${key}: the key "${key}" is missing (here or in defaults)`,
      ),
    );
  });
});

describe('secrets', () => {
  it('that others can read are refused, each file once, with what mends it', async (test) => {
    const settings = {
      restic: { env_file: 'DIR/env' },
      hosts: [{ hostname: 'web' }, { hostname: 'db', password_file: 'DIR/other' }],
    };
    const { messages } = await load(test, textOf(settings), '', 0o640);
    assert.deepEqual(
      messages,
      ['password', 'env', 'other', 'key'].map(
        (name) => `DIR/${name}: holds a secret and can be read by others; chmod 600 DIR/${name}`,
      ),
    );
  });

  it('that are missing are named', async (test) => {
    const { messages } = await load(test, textOf({ restic: { password_file: '/no/password' } }));
    assert.deepEqual(messages, ['/no/password: does not exist']);
  });
});

it('a missing file is named', async (test) => {
  const folder = await tempFolder(test);
  const problems = new Problems();
  assert.equal(await loadServerConfig(folder, problems), undefined);
  assert.deepEqual(problems.list.map(formatProblem), [`${folder}/server_config.yml: does not exist`]);
});
