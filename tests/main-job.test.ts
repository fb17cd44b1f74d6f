import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  link,
  lutimes,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { treeFacts } from './rig/tree-facts.ts';

describe('the main job, from the client through SFTP into restic and back', () => {
  let fleet: Fleet;
  let source: string;
  before(async () => {
    fleet = await startFleet();
    source = join(fleet.folder, 'source');
    await makeTree(source);
    await fleet.writeService('docker', 'shop', {
      files: { paths: [source] },
      command: { run: ['echo', 'from a program'], output: 'hello.txt' },
    });
    await fleet.backupServer('init');
  });
  after(() => fleet.stop());

  it('stores what the client collected', async () => {
    const client = await fleet.localBackup('run');
    assert.equal(client.exitCode, 0, client.stdout + client.stderr);
    const server = await fleet.backupServer('run');
    assert.equal(server.exitCode, 0, server.stdout + server.stderr);
    assert.match(server.stdout, /^ok +web /m);
  });

  it('leaves the client and the server tidy: the archive in done, nothing in staging', async () => {
    assert.equal((await readdir(join(fleet.drop, 'done'))).length, 1);
    assert.deepEqual(await readdir(join(fleet.drop, '.staging')), []);
    assert.deepEqual((await readdir(fleet.drop)).sort(), ['.base', '.kept', '.staging', 'done']);
  });

  it('restores every attribute of every kind of file from the repository', async () => {
    const target = join(fleet.folder, 'restored');
    const result = await fleet.backupServer('restore', 'web', '--to', target);
    assert.equal(result.exitCode, 0, result.stderr);
    assert.deepEqual(await treeFacts(join(target, 'docker/shop/data/source')), await treeFacts(source));
  });

  it('restores the same from the archive alone, with our program and with plain tar', async () => {
    const [name = ''] = await readdir(join(fleet.drop, 'done'));
    const archive = join(fleet.drop, 'done', name);
    const ours = join(fleet.folder, 'ours');
    const result = await fleet.localBackup('restore', '--from', archive, '--to', ours);
    assert.equal(result.exitCode, 0, result.stderr);
    assert.deepEqual(await treeFacts(join(ours, 'docker/shop/data/source')), await treeFacts(source));
    const plain = join(fleet.folder, 'plain');
    await mkdir(plain);
    const tar = ['-xzpf', archive, '-C', plain, '--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];
    assert.equal((await execaRunner().run({ file: 'tar', args: tar })).exitCode, 0);
    const isDevice = (line: string) => line.startsWith('device ');
    const withoutDevices = (await treeFacts(source)).filter((line) => !isDevice(line));
    assert.deepEqual(await treeFacts(join(plain, 'docker/shop/data/source')), withoutDevices);
  });

  it('says that there is nothing new when it is run again', async () => {
    const again = await fleet.backupServer('run');
    assert.equal(again.exitCode, 0);
    assert.match(again.stdout, /^skipped +web /m);
    assert.match(again.stdout, /holds no archive of web that is not stored yet/);
  });

  it('tells of good hosts in status and forgets nothing that is needed', async () => {
    const status = await fleet.backupServer('status');
    assert.equal(status.exitCode, 0, status.stdout);
    assert.match(status.stdout, /^ok +web /m);
    const maintenance = await fleet.resticMaintenance('run');
    assert.equal(maintenance.exitCode, 0, maintenance.stdout);
    assert.match(maintenance.stdout, /snapshots 1, forgotten 0/);
  });

  it('told the administrator by mail, each event once', () => {
    const subjects = fleet.smtp.mails.map(({ subject }) => subject);
    assert.deepEqual(subjects, [
      '[Backup Server] vault - Backup Run SUCCESSFUL',
      '[Backup Server] Backup SKIPPED for host web (No new archive)',
      '[Backup Server] vault - Backup Run COMPLETED WITH SKIPS',
    ]);
  });
});

describe('other ways', () => {
  let fleet: Fleet;
  before(async () => {
    fleet = await startFleet();
    await mkdir(join(fleet.folder, 'source'));
    await writeFile(join(fleet.folder, 'source/file'), 'content');
    await fleet.writeService('other', 'small', { files: { paths: [join(fleet.folder, 'source')] } });
    assert.equal((await fleet.localBackup('run')).exitCode, 0);
  });
  after(() => fleet.stop());

  it('a folder on the same machine needs no SSH, and tree: discard leaves no clear text', async () => {
    await fleet.writeServerConfig({
      defaults: { tree: 'discard', after_fetch: 'keep' },
      hosts: [{ hostname: 'web', transport: 'local' }],
    });
    await fleet.backupServer('init');
    const result = await fleet.backupServer('run');
    assert.match(result.stdout, /^ok +web /m);
    assert.deepEqual(await readdir(join(fleet.work, 'web')), ['stored-index.gz']);
    assert.equal((await readdir(fleet.drop)).filter((name) => name.endsWith('.gz')).length, 1);
    assert.match((await fleet.backupServer('run')).stdout, /is stored already, in snapshot/);
  });

  it('with tree: discard, a file whose content changed under its old size and time is stored all the same', async () => {
    const file = join(fleet.folder, 'source/file');
    await lutimes(file, 1_700_000_000, 1_700_000_000);
    await nextRun('first');
    await writeFile(file, 'CONTENT');
    await lutimes(file, 1_700_000_000, 1_700_000_000);
    await nextRun('second');
    const target = join(fleet.folder, 'restored');
    await fleet.backupServer('restore', 'web', '--to', target);
    assert.equal(await readFile(join(target, 'other/small/data/source/file'), 'utf8'), 'CONTENT');
  });

  it('after_fetch: delete removes what is stored, and only that', async () => {
    await fleet.writeServerConfig({ defaults: { after_fetch: 'delete' } });
    await nextRun('third');
    const left = (await readdir(fleet.drop)).filter((name) => name.endsWith('.gz'));
    assert.equal(left.length, 3);
    assert.deepEqual(await readdir(join(fleet.drop, 'done')), []);
  });

  it('a dry run of either side writes nothing', async () => {
    await nextSecond();
    const folders = [fleet.drop, fleet.work, fleet.repositories];
    const list = async () =>
      Promise.all(folders.map(async (folder) => (await readdir(folder, { recursive: true })).sort()));
    const filesBefore = await list();
    const mails = fleet.smtp.mails.length;
    const client = await fleet.localBackup('run', '--dry-run');
    assert.equal(client.exitCode, 0, client.stderr);
    assert.match(client.stdout, /dry run, nothing was changed/);
    assert.equal((await fleet.backupServer('run', '--dry-run')).exitCode, 0);
    assert.deepEqual(await list(), filesBefore);
    const subjects = fleet.smtp.mails.slice(mails).map(({ subject }) => subject);
    assert.ok(subjects.length > 0 && subjects.every((subject) => subject.startsWith('[DRY-RUN] ')), subjects.join());
  });

  async function nextRun(what: string): Promise<void> {
    await nextSecond();
    const client = await fleet.localBackup('run');
    assert.equal(client.exitCode, 0, what + client.stdout);
    const server = await fleet.backupServer('run');
    assert.match(server.stdout, /^ok +web /m, what);
  }

  /** Archives are named by the second. */
  async function nextSecond(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
  }
});

/** One of everything that a Linux file system can hold. */
async function makeTree(root: string): Promise<void> {
  const run = async (file: string, ...args: string[]): Promise<void> => {
    const result = await execaRunner().run({ file, args, cwd: root });
    assert.equal(result.exitCode, 0, result.stderr);
  };
  await mkdir(join(root, 'folder/empty'), { recursive: true });
  await writeFile(join(root, 'folder/plain'), 'content');
  await link(join(root, 'folder/plain'), join(root, 'folder/second name'));
  await symlink('../nowhere', join(root, 'folder/link'));
  await lutimes(join(root, 'folder/link'), 1_000_000, 1_234_567);
  await run('mkfifo', 'pipe');
  await run('mknod', 'device', 'c', '1', '3');
  await writeFile(join(root, 'setuid'), 'x');
  await chown(join(root, 'setuid'), 12345, 54321);
  await chmod(join(root, 'setuid'), 0o6755);
  await run('setcap', 'cap_net_raw+ep', 'folder/plain');
  await run('setfattr', '-n', 'user.note', '-v', 'with = and\nnewline', 'folder');
  await run('setfacl', '-m', 'u:1234:rw,d:g:99:r', 'folder');
  await writeFile(join(root, 'sparse'), 'start');
  await truncate(join(root, 'sparse'), 5_000_000);
  await writeFile(join(root, 'large'), Buffer.alloc(3_000_000, 'not sparse '));
  for (const name of ['new\nline', 'quote"\'', '-dash', ' blank ', '*?[x]', 'back\\slash', 'ünïcode'])
    await writeFile(join(root, name), name);
  await writeFile(Buffer.concat([Buffer.from(`${root}/bytes-`), Buffer.from([0xff, 0xfe, 0x80])]), 'not UTF-8');
  const deep = join(root, ...Array.from({ length: 6 }, () => 'd'.repeat(60)));
  await mkdir(deep, { recursive: true });
  await writeFile(join(deep, 'f'.repeat(255)), 'deep');
  await lutimes(join(root, 'setuid'), 1_700_000_000.123456, 1_700_000_000.987654);
  await makeSocket(join(root, 'socket'));
}

async function makeSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await rm(`${path}.kept`, { force: true });
  await link(path, `${path}.kept`); // closing removes the name it was bound to
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
