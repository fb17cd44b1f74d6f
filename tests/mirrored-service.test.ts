import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { type FakeSystemctl, fakeSystemctl } from '#common/testing/fake-systemctl.ts';
import { filesCollector } from '#plugins/files/files-collector.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { sandboxed, sandboxProblem } from './rig/sandbox.ts';
import { untar } from './rig/snapshot-service.ts';
import { treeFacts } from './rig/tree-facts.ts';

const noSandbox = (await sandboxProblem()) ?? false;

describe('a service whose files are mirrored', () => {
  let fleet: Fleet;
  let systemctl: FakeSystemctl;
  let source: string;
  const { PATH } = process.env;
  const options = () => ({ paths: [source], via: 'rsync' as const });

  before(async () => {
    fleet = await startFleet();
    systemctl = await fakeSystemctl(join(fleet.folder, 'systemctl'));
    process.env.PATH = `${systemctl.bin}:${PATH}`;
    source = join(fleet.folder, 'source');
    await makeSource(source);
    await fleet.writeService('other', 'shop', { systemd: { units: ['shop.service'] }, files: options() });
    await systemctl.set({ 'shop.service': 'active' });
  });
  after(async () => {
    process.env.PATH = PATH;
    await fleet.stop();
  });

  it('is mirrored, stopped, mirrored again, started, and read; tar alone brings all of it back', async () => {
    await fleet.writeClientConfig({
      tools: {
        rsync_cmd: await noting(fleet, 'rsync', '*'),
        tar_cmd: await noting(fleet, 'tar', '*/.kept/*'),
      },
    });
    const result = await fleet.localBackup('run');
    assert.equal(result.exitCode, 0, result.stdout + result.stderr);
    const expected = ['rsync', 'stop shop.service', 'rsync', 'start shop.service', 'tar'];
    assert.deepEqual(await systemctl.calls(), expected);
    await fleet.writeClientConfig();
    const restored = await untar(fleet);
    assert.deepEqual(await treeFacts(join(restored, 'other/shop/data/source')), await treeFacts(source));
  });

  it('needs of its unit what check says', { skip: noSandbox }, async () => {
    for (const name of await readdir(fleet.drop)) await rm(join(fleet.drop, name), { recursive: true });
    await fleet.writeService('other', 'shop', { files: options() });
    const unit = readFileSync('systemd/local-backup.service', 'utf8');
    const lines = typeof filesCollector.unitLines === 'function' ? filesCollector.unitLines : () => [];
    const writable = ['drop', 'client-state', 'client-run'].map((name) => join(fleet.folder, name));
    const runIn = (unitText: string) => {
      const args = ['dist/bin/local-backup', 'run', '--config-dir', join(fleet.folder, 'client')];
      return execaRunner().run(sandboxed(unitText, writable, { file: process.execPath, args }));
    };
    const refused = await runIn(unit);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stdout, /files: cannot mirror .*denied.*\n.*the drop-in that "local-backup check" prints/);
    const needed = lines({ ...options(), exclude: [], optional: false, snapshot: 'none', vanished: 'warn' });
    const { exitCode, stdout, stderr } = await runIn([unit, ...needed].join('\n'));
    assert.equal(exitCode, 0, stdout + stderr);
    await rm(join(fleet.folder, 'restored'), { recursive: true, force: true });
    const restored = await untar(fleet);
    assert.deepEqual(await treeFacts(join(restored, 'other/shop/data/source')), await treeFacts(source));
  });
});

/** A program that notes its call where it is one of those meant, among those of systemctl. */
async function noting(fleet: Fleet, program: string, meant: string): Promise<string> {
  const path = join(fleet.folder, `noting-${program}`);
  const note = `case " $* " in ${meant}) echo ${program} >> ${fleet.folder}/systemctl/calls;; esac`;
  await writeFile(path, `#!/bin/sh\n${note}\nexec ${program} "$@"\n`, { mode: 0o755 });
  return path;
}

/** What only root can write again as it is. */
async function makeSource(path: string): Promise<void> {
  await mkdir(join(path, 'private'), { recursive: true });
  for (const name of ['private/file', 'setuid', 'ping', 'list']) await writeFile(join(path, name), name);
  await chown(join(path, 'private/file'), 4711, 4712);
  await chown(join(path, 'setuid'), 4711, 4712);
  await chmod(join(path, 'setuid'), 0o6755);
  for (const [file = '', ...args] of [
    ['setcap', 'cap_net_raw+ep', 'ping'],
    ['setfacl', '-m', 'u:4711:r', 'list'],
    ['setfattr', '-n', 'user.a', '-v', 'b', 'list'],
    ['mkfifo', 'fifo'],
    ['ln', 'list', 'same'],
    ['truncate', '--size=1M', 'hole'],
  ]) {
    const { exitCode, stderr } = await execaRunner().run({ file, args, cwd: path });
    assert.equal(exitCode, 0, stderr);
  }
  await chown(join(path, 'private'), 4711, 4712);
  await chmod(join(path, 'private'), 0o500);
}
