import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, link, lstat, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { randomNumbers } from '#common/testing/random-numbers.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { treeFacts } from './rig/tree-facts.ts';

const rounds = 8;

describe('archive after archive, each built on the one before and fetched by its changes', () => {
  let fleet: Fleet;
  let source: string;
  before(async () => {
    fleet = await startFleet();
    source = join(fleet.folder, 'source');
    await fleet.writeService('other', 'changing', { files: { paths: [source] } });
    await fleet.backupServer('init');
    await makeTree(source);
  });
  after(() => fleet.stop());

  const random = randomNumbers(20260101);
  for (let round = 0; round <= rounds; round += 1) {
    it(`round ${round}: what comes back is what is there, by tar, from the tree and from restic`, async () => {
      if (round > 0) await meddle(source, random, round);
      await nextSecond();
      const client = await fleet.localBackup('run');
      assert.equal(client.exitCode, 0, client.stdout + client.stderr);
      assert.doesNotMatch(client.stdout, /warning/);
      const server = await fleet.backupServer('run');
      assert.match(server.stdout, /^ok +web /m, server.stdout + server.stderr);
      const expected = await treeFacts(source);
      assert.deepEqual(await treeFacts(join(fleet.work, 'web/tree/other/changing/data/source')), expected);
      assert.deepEqual(await untarred(), expected);
      const target = join(fleet.folder, `restored-${round}`);
      await fleet.backupServer('restore', 'web', '--to', target);
      assert.deepEqual(await treeFacts(join(target, 'other/changing/data/source')), expected);
      await rm(target, { recursive: true });
    });
  }

  it('an unchanged tree is not read by restic, hardly fetched, and adds nothing', async () => {
    await nextRun();
    const { fetched, changed, added } = await nextRun();
    assert.ok(fetched < 4096, `${fetched} bytes were fetched`);
    assert.equal(changed, 0);
    assert.equal(added, '0 B');
  });

  it('a file whose content changed under its old size and time is stored', async () => {
    const file = join(source, 'stable/file-1');
    const { atime, mtime } = await lstat(file);
    await writeFile(file, 'CONTENT 1');
    await utimes(file, atime, mtime);
    await nextRun();
    assert.equal(
      await readFile(join(fleet.work, 'web/tree/other/changing/data/source/stable/file-1'), 'utf8'),
      'CONTENT 1',
    );
    const dumped = await fleet.restic('web', 'dump', 'latest', '/other/changing/data/source/stable/file-1');
    assert.equal(dumped.stdout, 'CONTENT 1');
  });

  it('a changed file that is damaged on its way is refused before the tree is touched', async () => {
    await writeFile(join(source, 'stable/file-4'), randomBytes(2_000_000));
    await nextSecond();
    assert.equal((await fleet.localBackup('run')).exitCode, 0);
    const [name = ''] = (await readdir(fleet.drop)).filter((found) => found.endsWith('.tar.gz'));
    const path = join(fleet.drop, name);
    const good = await readFile(path);
    const bad = Buffer.from(good);
    for (let place = 1_000_000; place < 1_000_100; place += 1) bad[place] = (bad[place] ?? 0) ^ 0x55;
    await rm(path); // a new file: the base for the next archive is another name of the old one
    await writeFile(path, bad, { mode: 0o444 });
    const treeBefore = await treeFacts(join(fleet.work, 'web/tree'));
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /a member of .* (cannot be unpacked|has another content)/);
    assert.deepEqual(await treeFacts(join(fleet.work, 'web/tree')), treeBefore);
    await rm(path);
    await nextRun();
  });

  it('a tree that was changed by hand is seen and mended, and that is said', async () => {
    await writeFile(join(fleet.work, 'web/tree/other/changing/data/source/stable/file-2'), 'changed by hand');
    const { output } = await nextRun();
    assert.match(output, /the tree is not what its index says \(.*file-2.* differs: .*\); it is mended/);
    assert.deepEqual(await treeFacts(join(fleet.work, 'web/tree/other/changing/data/source')), await treeFacts(source));
  });

  it('a link that was put in the place of a folder of the tree is not followed', async () => {
    const outside = join(fleet.folder, 'outside');
    await mkdir(outside);
    const folder = join(fleet.work, 'web/tree/other/changing/data/source/stable');
    await rm(folder, { recursive: true });
    await symlink(outside, folder);
    await writeFile(join(source, 'stable/file-3'), 'changed');
    const { output } = await nextRun();
    assert.match(output, /changing\/data\/source\/stable\\" is no folder any more\); it is mended/);
    assert.deepEqual(await readdir(outside), []);
  });

  it('a tree without its marker, as after a power cut, is read, mended, and that is said', async () => {
    await rm(join(fleet.work, 'web/tree-index.gz'));
    const { output } = await nextRun();
    assert.match(output, /is not whole: a run was interrupted while it changed it; it is mended/);
  });

  it('a base that the fetching account has changed is seen, and everything is read instead', async () => {
    await nextRun();
    const base = join(fleet.drop, '.base/archive.tar.gz');
    const bytes = await readFile(base);
    for (let place = 100; place < bytes.length / 2; place += 97) bytes[place] = (bytes[place] ?? 0) ^ 1;
    await chmod(base, 0o600);
    await writeFile(base, bytes);
    await nextSecond();
    const client = await fleet.localBackup('run');
    assert.equal(client.exitCode, 0, client.stdout);
    assert.match(client.stdout, /the last archive is not fit to build on .*; everything is read/);
    assert.match((await fleet.backupServer('run')).stdout, /^ok +web /m);
  });

  it('an excluded path leaves the archive, though nothing has changed on disk', async () => {
    await fleet.writeService('other', 'changing', { files: { paths: [source], exclude: ['/source/stable'] } });
    await nextRun();
    assert.deepEqual(
      await readdir(join(fleet.work, 'web/tree/other/changing/data/source')).then((names) => names.includes('stable')),
      false,
    );
  });

  async function nextRun() {
    await nextSecond();
    const client = await fleet.localBackup('run');
    assert.equal(client.exitCode, 0, client.stdout + client.stderr);
    const server = await fleet.backupServer('run', '--json');
    assert.equal(server.exitCode, 0, server.stdout + server.stderr);
    const [part] = (JSON.parse(server.stdout) as { parts: { facts: Record<string, string | number> }[] }).parts;
    const [amount = '0', unit = 'B'] = String(part?.facts.fetched ?? '').split(' ');
    return {
      output: server.stdout,
      fetched: Number(amount) * (unit === 'B' ? 1 : unit === 'KiB' ? 1024 : 1024 ** 2),
      changed: part?.facts['files changed'],
      added: part?.facts.added,
    };
  }

  async function untarred(): Promise<readonly string[]> {
    const [name = ''] = (await readdir(join(fleet.drop, 'done'))).sort().slice(-1);
    const target = join(fleet.folder, 'untarred');
    await mkdir(target);
    const args = [
      '-xzpf',
      join(fleet.drop, 'done', name),
      '-C',
      target,
      '--xattrs',
      '--xattrs-include=*',
      '--acls',
      '--numeric-owner',
    ];
    assert.equal((await execaRunner().run({ file: 'tar', args })).exitCode, 0);
    const facts = await treeFacts(join(target, 'other/changing/data/source'));
    await rm(target, { recursive: true });
    return facts;
  }
});

async function makeTree(source: string): Promise<void> {
  for (const folder of ['stable', 'a', 'b/deep', 'links']) await mkdir(join(source, folder), { recursive: true });
  for (let index = 0; index < 60; index += 1)
    await writeFile(join(source, 'stable', `file-${index}`), `content ${index}`);
  for (let index = 0; index < 30; index += 1)
    await writeFile(join(source, 'a', `file-${index}`), `a ${index} `.repeat(index * 40));
  await writeFile(join(source, 'b/large'), 'large and long '.repeat(60_000));
  await writeFile(join(source, 'links/first'), 'linked');
  for (const name of ['links/second', 'a/third', 'b/deep/fourth'])
    await link(join(source, 'links/first'), join(source, name));
}

/** A handful of changes of every kind, as chance has it. */
async function meddle(source: string, random: () => number, round: number): Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const files = async () =>
    (await readdir(source, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('stable'))
      .map((entry) => join(entry.parentPath, entry.name));
  const folders = async () =>
    (await readdir(source, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && entry.name !== 'stable')
      .map((entry) => join(entry.parentPath, entry.name));
  const changes: readonly (() => Promise<void>)[] = [
    async () => writeFile(pick(await files()), `rewritten in round ${round} `.repeat(Math.floor(random() * 3000))),
    async () => rm(pick(await files())),
    async () => writeFile(join(pick(await folders()), `new-${round}-${Math.floor(random() * 1000)}`), `new ${round}`),
    async () =>
      rename(pick(await files()), join(pick(await folders()), `renamed-${round}-${Math.floor(random() * 1000)}`)),
    async () => link(pick(await files()), join(pick(await folders()), `link-${round}-${Math.floor(random() * 1000)}`)),
    async () => chmod(pick(await files()), pick([0o600, 0o644, 0o4755])),
    async () => symlink('somewhere', join(pick(await folders()), `symlink-${round}-${Math.floor(random() * 1000)}`)),
    async () => becomeFolder(pick(await files())),
    async () => becomeLink(pick(await folders())),
    async () => rm(pick(await folders()), { recursive: true }),
    async () =>
      void (await execaRunner().run({
        file: 'setfattr',
        args: ['-n', 'user.round', '-v', String(round), pick(await files())],
      })),
    async () =>
      void (await execaRunner().run({ file: 'setfacl', args: ['-m', `u:${1000 + round}:r`, pick(await folders())] })),
    async () =>
      writeFile(join(source, 'b/large'), `${'large and long '.repeat(60_000)}${round}`).catch(() => undefined),
  ];
  for (let count = 0; count < 8; count += 1) {
    // so that there is always something to pick
    await mkdir(join(source, `folder-${round}-${count}`));
    await writeFile(join(source, `folder-${round}-${count}`, 'file'), 'x');
    await pick(changes)();
  }
}

async function becomeFolder(path: string): Promise<void> {
  await rm(path);
  await mkdir(path);
  await writeFile(join(path, 'inside'), 'it was a file');
}

async function becomeLink(path: string): Promise<void> {
  await rm(path, { recursive: true });
  await symlink('/nowhere', path);
}

/** Archives are named by the second. */
async function nextSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
}
