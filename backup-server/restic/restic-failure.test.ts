import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { hintOf, kindOf, messagesOf } from '#common/errors.ts';
import type { CommandResult } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { damageFiles } from '../testing/damage-files.ts';
import { testRepository } from '../testing/test-repository.ts';
import { resticFailure } from './restic-failure.ts';

/** How restic is run on a repository that was spoilt. */
interface Trial {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs restic, as another account for example. */
  readonly through?: readonly string[];
}

interface Case {
  readonly what: string;
  readonly kind: string | undefined;
  readonly hint: RegExp;
  readonly skip?: string | false;
  readonly spoil: (repository: string, folder: string) => Promise<Trial> | Trial;
}

const look = ['snapshots', '--no-lock'];
const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
const needsMounts = spawnSync('unshare', ['--mount', 'true']).status === 0 ? false : 'needs the right to mount';

const cases: readonly Case[] = [
  {
    what: 'where there is no repository',
    kind: 'no-repository',
    hint: /^Make it with "backup-server init HOST"/,
    spoil: async (repository) => {
      await rm(repository, { recursive: true });
      return { args: look };
    },
  },
  {
    what: 'with a wrong password',
    kind: 'wrong-password',
    hint: /^Compare password_file/,
    spoil: async (_, folder) => {
      await writeFile(join(folder, 'wrong'), 'wrong');
      return { args: look, env: { RESTIC_PASSWORD_FILE: join(folder, 'wrong') } };
    },
  },
  {
    what: 'on a storage where nothing listens',
    kind: 'unreachable',
    hint: /^Look at the network/,
    spoil: () => ({ args: look, env: { RESTIC_REPOSITORY: 'sftp://127.0.0.1:1//srv' } }),
  },
  {
    what: 'without the right to read',
    kind: 'denied',
    hint: /^Look at the rights of the folder/,
    skip: needsRoot,
    spoil: async (_, folder) => {
      await chmod(folder, 0o711);
      await chmod(join(folder, 'password'), 0o644);
      return { args: look, through: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] };
    },
  },
  {
    what: 'on a full disk',
    kind: 'no-space',
    hint: /^Make room there/,
    skip: needsMounts,
    spoil: async (repository, folder) => {
      const full = join(folder, 'full');
      await mkdir(full);
      await writeFile(join(folder, 'large'), randomBytes(1_000_000));
      const script = 'mount -t tmpfs -o size=300k tmpfs "$1" && cp -r "$2/." "$1" && shift 2 && exec "$@"';
      return {
        args: ['backup', join(folder, 'large')],
        env: { RESTIC_REPOSITORY: full },
        through: ['unshare', '--mount', 'sh', '-euc', script, 'sh', full, repository],
      };
    },
  },
  {
    what: 'on data that has changed',
    kind: 'damaged-repository',
    hint: /troubleshooting page/,
    spoil: async (repository) => {
      await damageFiles(join(repository, 'data'));
      return { args: ['check', '--read-data'] };
    },
  },
  {
    what: 'on an index that was cut off',
    kind: 'damaged-repository',
    hint: /troubleshooting page/,
    spoil: async (repository) => {
      const index = join(repository, 'index');
      for (const name of await readdir(index)) {
        await chmod(join(index, name), 0o600);
        await truncate(join(index, name), 10);
      }
      return { args: ['prune'] };
    },
  },
  {
    what: 'with an option that it does not know',
    kind: undefined,
    hint: /^Try it by hand/,
    spoil: () => ({ args: ['check', '--no-such-option'] }),
  },
];

test('the restic that is installed fails', async (t) => {
  const sound = await testRepository(t);
  await sound.store(1, 'a');
  for (const { what, kind, hint, skip = false, spoil } of cases) {
    await t.test(`${what}: ${kind ?? 'of no kind'}`, { skip }, async () => {
      const repository = join(sound.folder, 'spoilt');
      await cp(sound.path, repository, { recursive: true });
      const { args, env = {}, through = [] } = await spoil(repository, sound.folder);
      const [file = '', ...rest] = [...through, 'restic', ...args];
      const known = { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD_FILE: sound.passwordFile };
      const result = await execaRunner().run({ file, args: [...rest, '--no-cache'], env: { ...known, ...env } });
      await rm(repository, { recursive: true, force: true });
      assert.notEqual(result.exitCode, 0, result.stdout);
      const failure = resticFailure('restic of web', repository, result);
      assert.equal(kindOf(failure), kind, result.stderr);
      assert.match(hintOf(failure) ?? '', hint);
    });
  }

  await t.test('while another one works on the repository: locked', async (t) => {
    const running = await sound.holdLock(t, 'backup');
    const result = await sound.restic('prune');
    await running.goOn();
    const failure = resticFailure('restic prune of web', '/srv/web', result);
    assert.equal(kindOf(failure), 'locked', result.stderr);
    assert.match(hintOf(failure) ?? '', /restic -r \/srv\/web unlock/);
  });
});

const failed = (more: Partial<CommandResult>): CommandResult => ({
  exitCode: 1,
  signal: undefined,
  timedOut: false,
  stdout: '',
  stderr: '',
  durationMs: 1,
  ...more,
});

const failureOf = (more: Partial<CommandResult>, repository = '/srv/web') =>
  resticFailure('restic prune of web', repository, failed(more));

describe('what restic said elsewhere', () => {
  const recorded = [
    [
      '0.18: no repository',
      'no-repository',
      10,
      String.raw`{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist: unable to open config file: stat /srv/web/config: no such file or directory\nIs there a repository at the following location?\n/srv/web"}`,
    ],
    [
      '0.18: wrong password',
      'wrong-password',
      12,
      '{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}',
    ],
    [
      '0.18: locked',
      'locked',
      11,
      'unable to create lock in backend: repository is already locked by PID 1507 on vm by root (UID 0, GID 0)\nthe `unlock` command can be used to remove stale locks',
    ],
    [
      '0.14: a lock that may not be made is no lock of another',
      'denied',
      1,
      'List(lock) returned error, retrying after 15.394871241s: open /srv/web/locks: permission denied\nopen /srv/web/locks: permission denied\nunable to create lock in backend',
    ],
    [
      '0.14: a refused connection is no missing repository',
      'unreachable',
      1,
      'Fatal: unable to open config file: client.Head: Head "http://127.0.0.1:1/x/config": dial tcp 127.0.0.1:1: connect: connection refused\nIs there a repository at the following location?\nrest:http://127.0.0.1:1/x/',
    ],
    [
      '0.14: a missing pack, at prune',
      'damaged-repository',
      1,
      'The index references 1 needed pack files which are missing from the repository:\n  035480647fedeaa4\nFatal: packs from index missing in repo',
    ],
  ] as const;
  for (const [what, kind, exitCode, stderr] of recorded)
    it(`${what}: ${kind}`, () => assert.equal(kindOf(failureOf({ exitCode, stderr })), kind));
});

describe('the message of a failure', () => {
  it('says what failed and where, and then what restic said', () => {
    const stderr = 'a line before\nFatal: wrong password or no key found\n';
    assert.deepEqual(messagesOf(failureOf({ stderr })), [
      'restic prune of web: the password is wrong (/srv/web)',
      'restic said: a line before / Fatal: wrong password or no key found',
    ]);
  });

  it('unpacks what newer ones say in JSON', () => {
    const stderr = String.raw`{"message_type":"exit_error","code":1,"message":"Fatal: first\nsecond"}`;
    assert.match(failureOf({ stderr }).message, /^restic prune of web failed \(exit code 1\): Fatal: first \/ second$/);
  });

  it('keeps to the last three lines', () => {
    assert.match(failureOf({ stderr: '1\n2\n\n3\n4\n' }).message, /: 2 \/ 3 \/ 4$/);
  });

  it('tells how it ended when it was ended from outside', () => {
    assert.match(failureOf({ exitCode: undefined, signal: 'SIGKILL' }).message, /failed \(SIGKILL\)/);
    assert.match(
      failureOf({ exitCode: undefined, signal: 'SIGTERM', timedOut: true }).message,
      /failed \(took too long\)/,
    );
  });

  it('shows no password, neither that of the address nor one in what restic said', () => {
    const address = 'rest:https://user:secret@vault/web';
    for (const stderr of [`Fatal: ${address} is broken`, `Fatal: repository is already locked, ${address}`]) {
      const failure = failureOf({ stderr }, address);
      const shown = [...messagesOf(failure), hintOf(failure)].join('\n');
      assert.match(shown, /user:\*\*\*@vault/);
      assert.doesNotMatch(shown, /secret/);
    }
  });
});
