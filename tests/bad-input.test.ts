import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { rawTarGz } from '#common/testing/raw-tar.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { startProgram, waitFor } from './rig/running.ts';
import { freePort } from './rig/storage-servers.ts';

/** The newest archive under a name of our own, a second later each time. */
let seconds = 0;
function nextName(host = 'web'): string {
  seconds += 1;
  const stamp = new Date(Date.now() - 3_600_000 + seconds * 1000)
    .toISOString()
    .slice(0, 19)
    .replace(/[-:]/g, '')
    .replace('T', '_');
  return `${host}-${stamp}.tar.gz`;
}

describe('bad input on the client', () => {
  let fleet: Fleet;
  let source: string;
  before(async () => {
    fleet = await startFleet();
    source = join(fleet.folder, 'source');
    await mkdir(source);
    await writeFile(join(source, 'file'), 'content');
    await fleet.writeService('other', 'good', { files: { paths: [source] } });
  });
  after(() => fleet.stop());

  it('reports every problem of every file at once, with line, column and the nearest key, and touches nothing', async () => {
    const good = await readFile(join(fleet.folder, 'client/client_config.yml'), 'utf8');
    await fleet.writeClientConfig({ keep_day: 3, min_free_space_mb: 'much' });
    await fleet.writeService('other', 'typo', { file: { paths: [source] } });
    const result = await fleet.localBackup('run');
    assert.equal(result.exitCode, 2);
    assert.match(result.stderr, /client_config\.yml:\d+:\d+: keep_day: is no known key; did you mean "keep_days"\?/);
    assert.match(result.stderr, /client_config\.yml:\d+:\d+: min_free_space_mb: must be a whole number, not "much"/);
    assert.match(result.stderr, /typo\/service\.yaml:3:1: file: is no known key; did you mean "files"\?/);
    await assert.rejects(readdir(fleet.drop), /ENOENT/);
    await writeFile(join(fleet.folder, 'client/client_config.yml'), good);
    await rm(join(fleet.folder, 'client/other/typo'), { recursive: true });
  });

  it('refuses a configuration that others may write, with the command that mends it', async () => {
    const file = join(fleet.folder, 'client/client_config.yml');
    await chmod(file, 0o666);
    const result = await fleet.localBackup('run');
    assert.equal(result.exitCode, 2);
    assert.match(result.stderr, new RegExp(`can be written by others; chmod go-w ${file}`));
    await chmod(file, 0o600);
  });

  it('stores the other services when one fails, and is red', async () => {
    await fleet.writeService('other', 'bad', {
      command: { run: ['sh', '-c', 'echo half a dump; exit 3'], output: 'dump' },
    });
    const result = await fleet.localBackup('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /FAILED +other\/bad/);
    assert.match(result.stdout, /ended with exit code 3/);
    const archive = await archiveIn(fleet.drop);
    const listed = await fleet.localBackup('list', archive);
    assert.match(listed.stdout, /other\/good\/data\/source\/file/);
    assert.doesNotMatch(listed.stdout, /other\/bad/);
    assert.equal(fleet.smtp.mails.at(-1)?.subject, '[Backup Error] web - Backup FAILED for other/bad');
    await fleet.backupServer('init');
    const server = await fleet.backupServer('run');
    assert.match(server.stdout, /partial: the service other\/bad failed on the client/);
    const status = await fleet.backupServer('status');
    assert.equal(status.exitCode, 1);
    assert.match(status.stdout, /no complete backup, only partial ones/);
    await rm(join(fleet.folder, 'client/other/bad'), { recursive: true });
  });

  it('leaves no half archive when the disk is full, and the old ones are intact', async () => {
    const disk = join(fleet.folder, 'small-disk');
    await mkdir(disk);
    await run('mount', '-t', 'tmpfs', '-o', 'size=6M', 'tmpfs', disk);
    try {
      await fleet.writeClientConfig({ base_backup_dir: disk, min_free_space_mb: 0 });
      assert.equal((await fleet.localBackup('run')).exitCode, 0);
      const before = await archiveIn(disk);
      await run('dd', 'if=/dev/urandom', `of=${join(source, 'large')}`, 'bs=1M', 'count=10', 'status=none');
      await nextSecond();
      const result = await fleet.localBackup('run');
      assert.equal(result.exitCode, 1, result.stdout);
      assert.match(result.stdout + result.stderr, /ENOSPC/);
      assert.equal(await archiveIn(disk), before);
      assert.equal((await fleet.localBackup('verify', before)).exitCode, 0);
      assert.deepEqual(await readdir(join(disk, '.staging')), []);
    } finally {
      await run('umount', disk);
      await fleet.writeClientConfig();
      await rm(join(source, 'large'), { force: true });
    }
  });

  for (const [signal, exitCode] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    it(`ends in good order on ${signal}: no lock, no temporary file, one mail`, async () => {
      await fleet.writeService('other', 'slow', {
        command: { run: ['sh', '-c', 'echo begun; exec sleep 60'], output: 'slow' },
      });
      const mails = fleet.smtp.mails.length;
      const { kill, ended } = startProgram(fleet, 'local-backup', 'client');
      await waitFor(async () =>
        (await readdir(join(fleet.drop, '.staging')).catch(() => [])).some((name) => name.endsWith('.gz')),
      );
      kill(signal);
      assert.equal(await ended, exitCode);
      assert.deepEqual(await readdir(join(fleet.drop, '.staging')), []);
      assert.deepEqual(await readdir(join(fleet.folder, 'client-run')), []);
      assert.equal(fleet.smtp.mails.length - mails, 1);
      await rm(join(fleet.folder, 'client/other/slow'), { recursive: true });
    });
  }

  it('refuses a second start at once, with who runs since when; after SIGKILL the next run tidies up', async () => {
    await fleet.writeService('other', 'slow', {
      command: { run: ['sh', '-c', 'echo begun; exec sleep 60'], output: 'slow' },
    });
    const { kill, ended, pid } = startProgram(fleet, 'local-backup', 'client');
    await waitFor(async () =>
      (await readdir(join(fleet.drop, '.staging')).catch(() => [])).some((name) => name.endsWith('.gz')),
    );
    const second = await fleet.localBackup('run');
    assert.equal(second.exitCode, 75);
    assert.match(second.stderr, new RegExp(`already running: process ${pid}, since 20\\d\\d-`));
    kill('SIGKILL');
    await ended;
    await rm(join(fleet.folder, 'client/other/slow'), { recursive: true });
    const recovered = await fleet.localBackup('recover');
    assert.match(recovered.stdout, /removed .*\.tar\.gz, which an interrupted run had left/);
    const next = await fleet.localBackup('run');
    assert.equal(next.exitCode, 0, next.stdout + next.stderr);
  });

  it('waits for the lock of the drop folder, then says who holds it', async () => {
    await mkdir(join(fleet.drop, '.backup_archive_in_progress.lock'));
    const result = await fleet.localBackup('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /the drop folder is locked by an unknown process/);
    assert.equal(fleet.smtp.mails.at(-1)?.subject, '[Backup Error] web - SHARED LOCK FAILED (TAR Creation)');
    assert.deepEqual(await readdir(join(fleet.drop, '.staging')), []);
    await rm(join(fleet.drop, '.backup_archive_in_progress.lock'), { recursive: true });
  });
});

describe('bad input on the server', () => {
  let fleet: Fleet;
  let good: string;
  before(async () => {
    fleet = await startFleet();
    const source = join(fleet.folder, 'source');
    await mkdir(source);
    await run('dd', 'if=/dev/urandom', `of=${join(source, 'file')}`, 'bs=1M', 'count=2', 'status=none');
    await fleet.writeService('other', 'good', { files: { paths: [source] } });
    await fleet.backupServer('init');
    assert.equal((await fleet.localBackup('run')).exitCode, 0);
    good = join(fleet.folder, 'good.tar.gz');
    await rename(await archiveIn(fleet.drop), good);
    await deliver(await readFile(good));
    const first = await fleet.backupServer('run');
    assert.equal(first.exitCode, 0, first.stdout);
    await run('dd', 'if=/dev/urandom', `of=${join(source, 'file')}`, 'bs=1M', 'count=2', 'status=none');
    await nextSecond();
    assert.equal((await fleet.localBackup('run')).exitCode, 0);
    await rename(await archiveIn(fleet.drop), good);
  });
  after(() => fleet.stop());

  /** Puts bytes into the drop folder as an archive, by default the newest one of `web`. */
  async function deliver(bytes: Buffer, name = nextName()): Promise<string> {
    const path = join(fleet.drop, name);
    await writeFile(path, bytes, { mode: 0o400 });
    await run('chown', `${fleet.sshd.user}:`, path);
    return path;
  }

  async function snapshots(): Promise<number> {
    return (JSON.parse((await fleet.restic('web', 'snapshots', '--json')).stdout) as unknown[]).length;
  }

  const bad: readonly (readonly [what: string, make: (archive: Buffer) => Buffer, message: RegExp])[] = [
    ['truncated', (archive) => archive.subarray(0, archive.length - 50_000), /no intact gzip file/],
    ['bit-flipped', (archive) => flipped(archive, 100_000), /cannot be unpacked|another content/],
    ['bit-flipped in its index', (archive) => flipped(archive, archive.length - 400), /index|intact/],
    ['empty', () => Buffer.alloc(0), /no intact gzip file/],
    ['no gzip file at all', () => Buffer.from('hello'.repeat(100)), /no intact gzip file/],
    ['hostile', () => rawTarGz([{ name: '../../../../tmp/evil', content: 'x' }]), /has "\.\." in its path/],
  ];
  for (const [what, make, message] of bad) {
    it(`refuses an archive that is ${what}: tree and snapshots as before, the file left alone`, async () => {
      const path = await deliver(make(await readFile(good)));
      const before = await snapshots();
      const result = await fleet.backupServer('run');
      assert.equal(result.exitCode, 1);
      assert.match(result.stdout, message);
      assert.equal(await snapshots(), before);
      assert.deepEqual((await readdir(join(fleet.work, 'web'))).sort(), ['tree', 'tree-index.gz']);
      assert.ok((await readFile(path)).length >= 0);
      assert.match(fleet.smtp.mails.at(-2)?.subject ?? '', /Backup FAILED for host web/);
      await rm(path);
    });
  }

  it('leaves out an archive from the future and takes the newest other one, with a warning', async () => {
    const future = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '_');
    await deliver(await readFile(good), `web-${future}.tar.gz`);
    await deliver(await readFile(good));
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 0, result.stdout);
    assert.match(result.stdout, new RegExp(`web-${future}.tar.gz is left out`));
    assert.match(result.stdout, /^WARNING +web /m);
    await rm(join(fleet.drop, `web-${future}.tar.gz`));
  });

  it('skips an archive that is older than the newest stored one, with a warning', async () => {
    await deliver(await readFile(good), 'web-20200101_000000.tar.gz');
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 0);
    assert.match(result.stdout, /is older than the newest snapshot/);
    await rm(join(fleet.drop, 'web-20200101_000000.tar.gz'));
  });

  it('mends a tree that was changed by hand, and tidies up after a whole fetch that was interrupted', async () => {
    await writeFile(join(fleet.work, 'web/tree/other/good/data/source/file'), 'changed by hand');
    await mkdir(join(fleet.work, 'web/tree.new'));
    await deliver(await readFile(good));
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 0, result.stdout);
    assert.match(
      result.stdout,
      /the tree is not what its index says \("other\/good\/data\/source\/file" differs: .*\); it is mended/,
    );
    assert.deepEqual((await readdir(join(fleet.work, 'web'))).sort(), ['tree', 'tree-index.gz']);
    const target = join(fleet.folder, 'after-change');
    await fleet.backupServer('restore', 'web', '--to', target);
    const restored = await readFile(join(target, 'other/good/data/source/file'));
    assert.ok(restored.equals(await readFile(join(fleet.folder, 'source/file'))));
  });

  it('does not take a host that cannot be reached or trusted for another one’s failure', async () => {
    const closed = await freePort();
    const host = (more: object) => ({ address: fleet.sshd.address, ...more });
    await fleet.writeServerConfig({
      hosts: [
        host({ hostname: 'refused', ssh_port: closed }),
        host({ hostname: 'stranger', host_key: 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }),
        host({ hostname: 'laptop', ssh_port: closed, optional: true }),
        host({ hostname: 'fine' }),
      ],
    });
    await fleet.backupServer('init');
    await deliver(rawTarGz([{ name: 'file', content: 'x' }]), nextName('fine'));
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /^FAILED +refused /m);
    assert.match(result.stdout, /^FAILED +stranger /m);
    assert.match(result.stdout, /SHA256:[A-Za-z0-9+/]{43}/);
    assert.match(result.stdout, /^FAILED +laptop /m); // it has no backup yet, so that its max_age is passed
    assert.match(result.stdout, /^ok +fine /m);
    await deliver(rawTarGz([{ name: 'file', content: 'x' }]), nextName('laptop'));
    await fleet.writeServerConfig({ hosts: [host({ hostname: 'laptop' })] });
    assert.equal((await fleet.backupServer('run')).exitCode, 0);
    await fleet.writeServerConfig({ hosts: [host({ hostname: 'laptop', ssh_port: closed, optional: true })] });
    const away = await fleet.backupServer('run');
    assert.equal(away.exitCode, 0, away.stdout);
    assert.match(away.stdout, /laptop is not there, and it need not be/);
    await fleet.writeServerConfig();
  });

  it('tells a missing repository, a wrong password and a locked one apart', async () => {
    await deliver(await readFile(good));
    await fleet.writeServerConfig({ restic: { repository_root: join(fleet.folder, 'nowhere') } });
    assert.match((await fleet.backupServer('run')).stdout, /there is no repository .*\n.*\n.*backup-server init/);
    await writeFile(join(fleet.folder, 'server/wrong'), 'wrong\n', { mode: 0o600 });
    await fleet.writeServerConfig({ restic: { password_file: join(fleet.folder, 'server/wrong') } });
    assert.match((await fleet.backupServer('run')).stdout, /the password is wrong/);
    await fleet.writeServerConfig();
  });

  it('waits for nobody for ever: a repository that another restic has locked is told as such', async () => {
    await rm(join(fleet.repositories, 'web/locks'), { recursive: true });
    const restic = await wrapper(
      fleet,
      'case "$*" in *backup*) echo "Fatal: unable to create lock in backend: repository is already locked by PID 1" >&2; exit 1;; esac',
    );
    await fleet.writeServerConfig({ restic: { restic_cmd: restic } });
    assert.match((await fleet.backupServer('run')).stdout, /the repository is locked by another restic/);
    await fleet.writeServerConfig();
    await mkdir(join(fleet.repositories, 'web/locks'));
  });

  it('takes a snapshot back that restic could not make whole, and stores the archive in the next run', async () => {
    const before = await snapshots();
    const restic = await wrapper(
      fleet,
      'case "$1" in backup) restic "$@"; echo "error: read failed" >&2; exit 3;; esac',
    );
    await fleet.writeServerConfig({ restic: { restic_cmd: restic } });
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /could not read everything: .*read failed/);
    assert.equal(await snapshots(), before);
    await fleet.writeServerConfig();
    assert.match((await fleet.backupServer('run')).stdout, /^ok +web /m);
    assert.equal(await snapshots(), before + 1);
  });

  it('takes a snapshot back whose counts are not those of the index', async () => {
    await deliver(await readFile(good));
    const before = await snapshots();
    const tree = join(fleet.work, 'web/tree');
    const restic = await wrapper(fleet, `case "$1" in backup) echo more >${tree}/meddled;; esac`);
    await fleet.writeServerConfig({ restic: { restic_cmd: restic } });
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /the index names 3 with .*; the snapshot was taken back/);
    assert.equal(await snapshots(), before);
    await fleet.writeServerConfig();
    assert.match(
      (await fleet.backupServer('run')).stdout,
      /^WARNING +web .*\n.*"meddled" should not be there\); it is mended/m,
    );
  });

  it('a snapshot that could not be taken back, or whose run was killed, does not count as stored', async () => {
    await deliver(await readFile(good));
    const before = await snapshots();
    const meddle = `case "$1" in backup) echo more >${join(fleet.work, 'web/tree/meddled')};; forget) exit 1;; esac`;
    await fleet.writeServerConfig({ restic: { restic_cmd: await wrapper(fleet, meddle) } });
    assert.equal((await fleet.backupServer('run')).exitCode, 1);
    assert.equal(await snapshots(), before + 1);
    await fleet.writeServerConfig();
    const result = await fleet.backupServer('run');
    assert.match(result.stdout, /^WARNING +web /m);
    assert.match(result.stdout, /was never compared with its archive's index; it does not count/);
    assert.equal(await snapshots(), before + 1);
    assert.match((await fleet.backupServer('run')).stdout, /^skipped +web /m);
  });

  it('ends in good order on SIGTERM, refuses a second start meanwhile, and the next run stores the archive', async () => {
    await deliver(await readFile(good));
    const restic = await wrapper(
      fleet,
      `case "$1" in backup) touch ${join(fleet.folder, 'restic-sleeps')}; sleep 60;; esac`,
    );
    await fleet.writeServerConfig({ restic: { restic_cmd: restic } });
    const mails = fleet.smtp.mails.length;
    const { kill, ended, pid } = startProgram(fleet, 'backup-server', 'server');
    await waitFor(async () => (await readdir(fleet.folder)).includes('restic-sleeps'));
    const second = await fleet.backupServer('run');
    assert.equal(second.exitCode, 75);
    assert.match(second.stderr, new RegExp(`already running: process ${pid}`));
    kill('SIGTERM');
    assert.equal(await ended, 143);
    assert.equal(fleet.smtp.mails.length - mails, 1);
    assert.deepEqual(await readdir(join(fleet.folder, 'server-run')), []);
    await fleet.writeServerConfig();
    assert.match((await fleet.backupServer('run')).stdout, /^ok +web /m);
  });

  it('refuses a password that others may read, with the command that mends it', async () => {
    const file = join(fleet.folder, 'server/password');
    await chmod(file, 0o644);
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 2);
    assert.match(result.stderr, new RegExp(`holds a secret and can be read by others; chmod 600 ${file}`));
    await chmod(file, 0o600);
  });

  it('names the nearest host when an unknown one is asked for', async () => {
    const result = await fleet.backupServer('run', 'wbe');
    assert.equal(result.exitCode, 2);
    assert.match(result.stderr, /there is no host "wbe".*\n.*Did you mean "web"\?/);
  });
});

/** A restic that first does something of its own: shell, with restic's arguments in "$@". */
async function wrapper(fleet: Fleet, script: string): Promise<string> {
  const path = join(fleet.folder, 'restic-wrapper');
  await writeFile(path, `#!/bin/sh\n${script}\nexec restic "$@"\n`, { mode: 0o755 });
  return path;
}

function flipped(archive: Buffer, place: number): Buffer {
  const copy = Buffer.from(archive);
  copy[place] = (copy[place] ?? 0) ^ 0x10;
  return copy;
}

async function archiveIn(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.tar.gz'));
  assert.equal(names.length, 1, names.join(', '));
  return join(folder, names[0] ?? '');
}

async function run(file: string, ...args: string[]): Promise<void> {
  const result = await execaRunner().run({ file, args });
  assert.equal(result.exitCode, 0, result.stderr);
}

/** Waits for something that another process does. */
/** Archives are named by the second. */
async function nextSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
}
