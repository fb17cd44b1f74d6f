import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { snapshotTags } from '#common/archive/snapshot-tags.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import type { Runner } from '#common/process/runner.ts';
import { type TestRepository, testRepository } from '../testing/test-repository.ts';
import type { BackupRequest } from './restic-arguments.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

const requestFor = (test: TestRepository, more: Partial<BackupRequest> = {}): BackupRequest => ({
  folder: test.tree,
  time: new Date('2026-01-02T03:04:05Z'),
  tags: ['web'],
  ignoreInode: false,
  force: false,
  ...more,
});

describe('a repository', () => {
  it('that is new has no snapshot and nothing to forget', async (t) => {
    const test = await testRepository(t, false);
    const restic = await test.open();
    await assert.rejects(restic.snapshots(), { kind: 'no-repository' });
    await restic.init();
    assert.deepEqual(await restic.snapshots(), []);
    assert.deepEqual(await restic.planForget(test.host.keep), []);
    await assert.rejects(restic.init(), /already exists/);
  });

  it('keeps time and tags of a backup, whatever the zone of this machine and the signs in a name', async (t) => {
    const test = await testRepository(t);
    await writeFile(join(test.tree, 'file'), 'content');
    const services = [
      { type: 'a,b', name: '100 %', outcome: 'ok' },
      { type: 'docker', name: 'ä "quoted" \\ name', outcome: 'failed' },
    ] as const;
    const tags = snapshotTags('web', '20260102_030405', services);
    const zone = process.env.TZ;
    process.env.TZ = 'America/St_Johns';
    const summary = await (await test.open()).backup(requestFor(test, { tags }));
    const [snapshot] = await (await test.open()).snapshots();
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    assert.deepEqual([summary.filesProcessed, summary.bytesProcessed], [1, 7]);
    assert.ok(snapshot?.id.startsWith(summary.snapshotId));
    assert.deepEqual(snapshot?.time, new Date('2026-01-02T03:04:05Z'));
    assert.deepEqual([...(snapshot?.tags ?? [])].sort(), [...tags].sort());
  });

  it('shows the snapshots of its host only, oldest first, and plans over all its paths as one', async (t) => {
    const test = await testRepository(t);
    await writeFile(join(test.tree, 'file'), 'content');
    for (const day of [2, 1, 3]) await test.store(day, 'a');
    const moved = join(test.folder, 'moved');
    await mkdir(moved);
    await writeFile(join(moved, 'file'), 'content');
    const restic = await test.open();
    await restic.backup(requestFor(test, { folder: moved, time: new Date('2026-01-04T00:00:00Z') }));
    await test.restic('backup', '--host', 'other', '--time', '2026-01-05 00:00:00', '.');
    const snapshots = await restic.snapshots();
    assert.deepEqual(
      snapshots.map(({ time }) => time.getUTCDate()),
      [1, 2, 3, 4],
    );
    const going = await restic.planForget([['--keep-last', '2']]);
    assert.deepEqual(
      snapshots.filter(({ id }) => going.includes(id)).map(({ time }) => time.getUTCDate()),
      [1, 2],
    );
    await restic.forget(going);
    assert.deepEqual(await test.days(), [3, 4, 5]);
  });

  it('gives room back with prune, and passes a check that reads all', async (t) => {
    const test = await testRepository(t);
    for (const day of [1, 2]) await test.store(day, 'a');
    const restic = await test.open();
    const size = await restic.rawSize();
    await restic.forget(await restic.planForget([['--keep-last', '1']]));
    await restic.prune();
    assert.ok((await restic.rawSize()) < size);
    await restic.check(['--read-data']);
  });
});

describe('a backup that could not be whole', () => {
  it('is taken back and told of, because its tag would say that the archive is stored', {
    skip: needsRoot,
  }, async (t) => {
    const test = await testRepository(t);
    await writeFile(join(test.tree, 'readable'), 'content');
    await writeFile(join(test.tree, 'secret'), 'content', { mode: 0o600 });
    const restic = await test.open({ config: { command: await resticOfNobody(test) } });
    await assert.rejects(restic.backup(requestFor(test)), {
      kind: 'incomplete',
      message: /^restic backup of web could not read everything: .*secret/,
    });
    assert.deepEqual(await restic.snapshots(), []);
  });

  it('fails as such where its folder is missing, and runs nowhere else', async (t) => {
    const test = await testRepository(t);
    const restic = await test.open();
    await assert.rejects(restic.backup(requestFor(test, { folder: join(test.folder, 'none') })), /no such folder/);
    assert.deepEqual(await restic.snapshots(), []);
  });
});

it('a file with the size and time of the last one but other content is stored: by its inode, or else by force', async (t) => {
  const test = await testRepository(t);
  const restic = await test.open();
  let day = 0;
  const stored = async (content: string, how: Partial<BackupRequest>): Promise<string> => {
    await writeFile(join(test.tree, 'file'), content);
    await utimes(join(test.tree, 'file'), 1_700_000_000, 1_700_000_000);
    day += 1; // restic compares with the newest
    const { snapshotId } = await restic.backup(requestFor(test, { time: new Date(Date.UTC(2026, 0, day)), ...how }));
    return (await test.restic('dump', snapshotId, '/file')).stdout;
  };
  assert.equal(await stored('one', {}), 'one');
  assert.equal(await stored('two', {}), 'two');
  assert.equal(await stored('six', { ignoreInode: true }), 'two'); // what force is for
  assert.equal(await stored('ten', { ignoreInode: true, force: true }), 'ten');
});

describe('what is brought back', () => {
  const names = ['x[a]', 'xa', 's*r', 'star', 'q?', 'qq', 'back\\slash', '$HOME', '!not', '-dash', 'a b', 'ümlaut'];

  it('is what was named, also where the name looks like a pattern', async (t) => {
    const test = await testRepository(t);
    for (const name of names) {
      await mkdir(join(test.tree, name));
      await writeFile(join(test.tree, name, 'file'), name);
    }
    const restic = await test.open();
    const { snapshotId } = await restic.backup(requestFor(test));
    for (const [index, name] of names.entries()) {
      const target = join(test.folder, `restored-${index}`);
      await restic.restore({ snapshot: snapshotId, target, paths: [name] });
      assert.deepEqual(await readdir(target), [name]);
      assert.equal(await readFile(join(target, name, 'file'), 'utf8'), name);
    }
  });

  it('can be listed folder by folder', async (t) => {
    const test = await testRepository(t);
    await mkdir(join(test.tree, 'x[a]/deep'), { recursive: true });
    await writeFile(join(test.tree, 'x[a]/deep/file'), '');
    await writeFile(join(test.tree, 'top'), '');
    const restic = await test.open();
    const { snapshotId } = await restic.backup(requestFor(test));
    assert.deepEqual(await restic.list(snapshotId, ''), ['/top', '/x[a]/']);
    assert.deepEqual(await restic.list(snapshotId, 'x[a]'), ['/x[a]/', '/x[a]/deep/']);
  });
});

describe('locks', () => {
  it('of a restic that was killed are removed, those of a running one are respected', async (t) => {
    const test = await testRepository(t);
    await (await test.holdLock(t, 'backup')).kill();
    const running = await test.holdLock(t, 'backup');
    const restic = await test.open();
    const locks = () => readdir(join(test.path, 'locks'));
    assert.equal((await locks()).length, 2);
    await restic.unlock();
    assert.equal((await locks()).length, 1);
    await assert.rejects(restic.prune(), { kind: 'locked' });
    assert.deepEqual(await restic.snapshots(), []);
    await running.goOn();
    await restic.prune();
  });

  it('of a prune that was killed do not keep backups out, but those of a running one do', async (t) => {
    const test = await testRepository(t);
    await writeFile(join(test.tree, 'file'), 'content');
    const restic = await test.open();
    await (await test.holdLock(t, 'prune')).kill();
    await restic.backup(requestFor(test));
    await test.holdLock(t, 'prune');
    await assert.rejects(restic.backup(requestFor(test)), { kind: 'locked' });
    assert.equal((await restic.snapshots()).length, 1);
  });

  for (const [version, waits] of [
    ['0.14.0', false],
    ['0.15.2', false],
    ['0.16.0', true],
    ['0.18.1', true],
    ['1.0.0', true],
  ] as const) {
    it(`restic ${version} ${waits ? 'waits for them itself' : 'cannot wait for them'}`, async (t) => {
      const test = await testRepository(t, false);
      const { runner, commands } = answering(`restic ${version} compiled with go\n`);
      const restic = await test.open({ runner, config: { retryLockSeconds: 90 } });
      await restic.prune();
      await restic.check(['--read-data']);
      await restic.forget(['abc']);
      const wait = waits ? ['--retry-lock', '90s'] : [];
      assert.deepEqual(
        commands.slice(1).map(({ args }) => args),
        [
          ['prune', ...wait],
          ['check', ...wait, '--read-data'],
          ['forget', ...wait, '--', 'abc'],
        ],
      );
    });
  }
});

describe('what restic is given', () => {
  it('holds no secret on a command line', async (t) => {
    const test = await testRepository(t);
    const envFile = join(test.folder, 'env');
    await writeFile(envFile, 'AWS_SECRET_ACCESS_KEY="key from the file"\n', { mode: 0o600 });
    const { runner, commands } = recording();
    const restic = await test.open({ runner, config: { envFile } });
    await restic.snapshots();
    assert.ok(commands.length > 1);
    const password = (await readFile(test.passwordFile, 'utf8')).trim();
    for (const { args } of commands) {
      const line = args.join(' ');
      assert.ok(!line.includes(password) && !line.includes('key from the file'), line);
    }
    assert.equal(commands.at(-1)?.env?.AWS_SECRET_ACCESS_KEY, 'key from the file');
  });

  it('is not mixed with what a shell exports for another repository', async (t) => {
    const test = await testRepository(t);
    const exported = { RESTIC_REPOSITORY_FILE: '/elsewhere', RESTIC_PASSWORD_COMMAND: 'echo other' };
    Object.assign(process.env, exported);
    t.after(() => {
      for (const name of Object.keys(exported)) delete process.env[name];
    });
    assert.deepEqual(await (await test.open()).snapshots(), []);
  });

  it('is refused with every line of an env_file that makes no sense', async (t) => {
    const test = await testRepository(t, false);
    const envFile = join(test.folder, 'env');
    await writeFile(envFile, 'GOOD=1\nno assignment\n');
    await assert.rejects(test.open({ config: { envFile } }), /env:2/);
  });

  it('cannot be given to a program that is missing or no restic', async (t) => {
    const test = await testRepository(t, false);
    await assert.rejects(test.open({ config: { command: '/no/such/restic' } }), { kind: 'program-missing' });
    await assert.rejects(test.open({ config: { command: 'true' } }), /this is no restic that we know/);
  });
});

/** restic as an account that may read what all may read; the repository becomes that account's. */
async function resticOfNobody({ folder, path, passwordFile }: TestRepository): Promise<string> {
  const command = join(folder, 'restic-of-nobody');
  const cache = join(folder, 'cache');
  await chmod(folder, 0o711);
  await chmod(passwordFile, 0o644);
  await mkdir(cache);
  await execaRunner().run({ file: 'chown', args: ['--recursive', '65534:65534', path, cache] });
  const script = '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups restic "$@"\n';
  await writeFile(command, script, { mode: 0o755 });
  return command;
}

/** A runner that answers every command with the same text. */
function answering(stdout: string): { readonly runner: Runner; readonly commands: readonly Command[] } {
  const commands: Command[] = [];
  const run = async (command: Command) => {
    commands.push(command);
    return { exitCode: 0, signal: undefined, timedOut: false, stdout, stderr: '', durationMs: 0 };
  };
  return { runner: { ...execaRunner(), run }, commands };
}

/** A runner that remembers what it ran. */
function recording(): { readonly runner: Runner; readonly commands: readonly Command[] } {
  const real = execaRunner();
  const commands: Command[] = [];
  const run = (command: Command) => {
    commands.push(command);
    return real.run(command);
  };
  return { runner: { ...real, run }, commands };
}
