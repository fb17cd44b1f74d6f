import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { snapshotTags } from '#common/archive/snapshot-tags.ts';
import { makeQuickRepository } from '../backup-server/testing/quick-repository.ts';
import { type Fleet, type Section, startFleet } from './rig/fleet.ts';

describe('upkeep of real repositories', () => {
  let fleet: Fleet;
  let source: string;
  before(async () => {
    fleet = await startFleet();
    source = join(fleet.folder, 'tree');
    await mkdir(source);
  });
  after(() => fleet.stop());
  beforeEach(async () => {
    await rm(fleet.repositories, { recursive: true, force: true });
    await configure({ forget_policy: { last: 2 } });
    await makeQuickRepository(join(fleet.repositories, 'web'));
  });

  const configure = (maintenance: Section, more: Section = {}) =>
    fleet.writeServerConfig({ restic: { maintenance, retry_lock: '0s', ...more } });

  /** A snapshot of a day; in upper case the services that had failed. */
  async function store(day: number, services: string): Promise<void> {
    const facts = [...services].map((name) => ({
      type: 't',
      name: name.toLowerCase(),
      outcome: name === name.toLowerCase() ? ('ok' as const) : ('failed' as const),
    }));
    await writeFile(join(source, 'file'), `day ${day}`);
    const tags = snapshotTags('web', `2026010${day}_000000`, facts).flatMap((tag) => ['--tag', tag]);
    const result = await fleet.restic(
      'web',
      'backup',
      '--host',
      'web',
      '--time',
      `2026-01-0${day} 00:00:00`,
      ...tags,
      source,
    );
    assert.equal(result.exitCode, 0, result.stderr);
  }

  async function days(): Promise<readonly number[]> {
    const { stdout } = await fleet.restic('web', 'snapshots', '--json', '--no-lock');
    return (JSON.parse(stdout) as { time: string }[]).map(({ time }) => Number(time.slice(8, 10)));
  }

  /** With size and time of change. */
  async function filesOf(folder: string): Promise<readonly string[]> {
    const names = (await readdir(folder, { recursive: true })).sort();
    const facts = await Promise.all(names.map((name) => stat(join(folder, name))));
    return names.map((name, index) => `${name} ${facts[index]?.size} ${facts[index]?.mtimeMs}`);
  }

  it('forgets by the policy, but never the last complete backup behind eight partial ones', async () => {
    await store(1, 'ab');
    for (let day = 2; day <= 9; day += 1) await store(day, 'aB');
    const result = await fleet.resticMaintenance('run');
    assert.equal(result.exitCode, 0, result.stdout);
    assert.deepEqual(await days(), [1, 8, 9]);
    assert.match(result.stdout, /snapshots 3, forgotten 6, checked structure only/);
  });

  it('changes nothing in a dry run, and tells what would go', async () => {
    for (const day of [1, 2, 3, 4]) await store(day, 'a');
    const filesBefore = await filesOf(fleet.repositories);
    const result = await fleet.resticMaintenance('run', '--dry-run');
    assert.equal(result.exitCode, 0, result.stdout + result.stderr);
    assert.match(result.stdout, /snapshots 2, forgotten 2/);
    assert.match(result.stderr, /would be forgotten/);
    assert.deepEqual(await filesOf(fleet.repositories), filesBefore);
  });

  it('takes prune: false and check: false at their word', async () => {
    for (const day of [1, 2, 3]) await store(day, 'a');
    await configure({ forget_policy: { last: 1 }, prune: false, check: false });
    const dataBefore = await filesOf(join(fleet.repositories, 'web/data'));
    const result = await fleet.resticMaintenance('run');
    assert.equal(result.exitCode, 0, result.stdout);
    assert.doesNotMatch(result.stdout, /checked/);
    assert.deepEqual(await days(), [3]);
    assert.deepEqual(await filesOf(join(fleet.repositories, 'web/data')), dataBefore);
    await configure({ forget_policy: { last: 1 } });
    await fleet.resticMaintenance('run');
    assert.ok((await filesOf(join(fleet.repositories, 'web/data'))).length < dataBefore.length);
  });

  it('reads another part of the data in each run, and the same one again after a failed check', async () => {
    await store(1, 'a');
    await configure({ forget_policy: { last: 1 }, check_read_data_within: '21d' });
    const part = async () => /part (\d\/\d) of the data read/.exec((await fleet.resticMaintenance('run')).stdout)?.[1];
    assert.equal(await part(), '1/3');
    const state = join(fleet.folder, 'server-state/maintenance/web.json');
    const weekAgo = new Date(Date.now() - 7 * 86_400_000).toISOString();
    await writeFile(state, JSON.stringify({ parts: 3, next: 2, lastRead: weekAgo }));
    await configure({ forget_policy: { last: 1 }, check_read_data_within: '21d', check_options: ['--no-such-option'] });
    assert.equal((await fleet.resticMaintenance('run')).exitCode, 1);
    assert.equal((JSON.parse(await readFile(state, 'utf8')) as { next: number }).next, 2);
    await configure({ forget_policy: { last: 1 }, check_read_data_within: '21d' });
    assert.equal(await part(), '2/3');
    await rm(state);
  });

  it('removes the lock of a restic that was killed', async () => {
    await store(1, 'a');
    await killedBackup();
    assert.equal((await readdir(join(fleet.repositories, 'web/locks'))).length, 1);
    const result = await fleet.resticMaintenance('run');
    assert.equal(result.exitCode, 0, result.stdout);
  });

  it('leaves the lock of a running restic alone, and fails with a hint', async () => {
    await store(1, 'a');
    const running = await startBackup();
    try {
      const result = await fleet.resticMaintenance('run');
      assert.equal(result.exitCode, 1);
      assert.match(result.stdout, /the repository is locked by another restic/);
      assert.equal((await readdir(join(fleet.repositories, 'web/locks'))).length, 1);
      assert.equal(fleet.smtp.mails.at(-1)?.subject, '[Restic Maint] vault - Maintenance FAILED for web');
    } finally {
      running.kill('SIGKILL');
      await once(running, 'exit');
    }
  });

  it('maintains the other hosts when one fails, and the mail names the one', async () => {
    await store(1, 'a');
    const host = { address: fleet.sshd.address };
    await fleet.writeServerConfig({
      hosts: [
        { ...host, hostname: 'lost' },
        { ...host, hostname: 'web' },
      ],
    });
    const result = await fleet.resticMaintenance('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /^FAILED +lost /m);
    assert.match(result.stdout, /^ok +web /m);
    assert.equal(fleet.smtp.mails.at(-1)?.subject, '[Restic Maint] vault - Maintenance FAILED for lost');
  });

  it('is content with a repository that is still empty, but says so', async () => {
    const result = await fleet.resticMaintenance('run');
    assert.equal(result.exitCode, 0, result.stdout);
    assert.match(result.stdout, /^WARNING +web /m);
    assert.match(result.stdout, /the repository holds no snapshot of this host/);
  });

  it('tells a wrong password, and the mail has the hint', async () => {
    const wrong = join(fleet.folder, 'server/wrong');
    await writeFile(wrong, 'wrong', { mode: 0o600 });
    await configure({ forget_policy: { last: 2 } }, { password_file: wrong });
    const result = await fleet.resticMaintenance('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /the password is wrong/);
    assert.match(result.stdout, /Compare password_file/);
    assert.equal(fleet.smtp.mails.at(-1)?.subject, '[Restic Maint] vault - Maintenance FAILED for web');
  });

  it('refuses a policy that keeps nothing', async () => {
    await configure({ forget_policy: '--keep-last 0' });
    const result = await fleet.resticMaintenance('run');
    assert.equal(result.exitCode, 2);
    assert.match(result.stderr, /forget_policy: "--keep-last 0" is no rule/);
  });

  /** A restic that holds its lock while it waits for input that never comes. */
  async function startBackup() {
    const env = {
      ...process.env,
      RESTIC_REPOSITORY: join(fleet.repositories, 'web'),
      RESTIC_PASSWORD_FILE: join(fleet.folder, 'server/password'),
      RESTIC_CACHE_DIR: join(fleet.folder, 'cache'),
    };
    const child = spawn('restic', ['backup', '--stdin', '--host', 'web'], { env, stdio: ['pipe', 'ignore', 'ignore'] });
    const locks = join(fleet.repositories, 'web/locks');
    for (let tries = 0; tries < 200 && (await readdir(locks)).length === 0; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return child;
  }

  async function killedBackup(): Promise<void> {
    const child = await startBackup();
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
