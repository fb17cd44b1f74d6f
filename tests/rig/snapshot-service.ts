import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { type FakeSystemctl, fakeSystemctl } from '#common/testing/fake-systemctl.ts';
import { type Fleet, type Section, startFleet } from './fleet.ts';
import { startProgram, waitFor } from './running.ts';
import { treeFacts } from './tree-facts.ts';

export interface SnapshotService {
  /** The key of the task that reads from a snapshot, and its options. */
  readonly key: string;
  readonly options: Section;
  /** The live folder, and where it lies in the archive below the service. */
  readonly data: string;
  readonly place: string;
  /** The names of all snapshots of ours that are there. */
  snapshots(): Promise<readonly string[]>;
}

/** What a stopped service has of being read from a snapshot, shown on the built program. `prepare` makes its data. */
export function readFromSnapshot(title: string, prepare: () => Promise<SnapshotService>): void {
  describe(title, () => {
    let fleet: Fleet;
    let systemctl: FakeSystemctl;
    let service: SnapshotService;
    const { PATH } = process.env;
    before(async () => {
      fleet = await startFleet();
      systemctl = await fakeSystemctl(join(fleet.folder, 'systemctl'));
      process.env.PATH = `${systemctl.bin}:${process.env.PATH}`;
      service = await prepare();
      await execaRunner().run({ file: 'cp', args: ['--archive', '/etc/apt', join(service.data, 'apt')] });
      const { key, options } = service;
      await fleet.writeService('other', 'shop', { systemd: { units: ['shop.service'] }, [key]: options });
      await systemctl.set({ 'shop.service': 'active' });
    });
    after(async () => {
      process.env.PATH = PATH;
      await fleet.stop();
    });

    test('it runs again before it is read, and tar alone brings all of it back', async () => {
      const calls = join(fleet.folder, 'systemctl/calls');
      await fleet.writeClientConfig({ tools: { tar_cmd: await tarThat(fleet, `echo read >> ${calls}`) } });
      const result = await fleet.localBackup('run');
      assert.equal(result.exitCode, 0, result.stdout + result.stderr);
      assert.doesNotMatch(result.stdout, /warning/);
      assert.deepEqual(await systemctl.calls(), ['stop shop.service', 'start shop.service', 'read']);
      assert.deepEqual(await service.snapshots(), []);
      const restored = await untar(fleet);
      assert.deepEqual(await treeFacts(join(restored, 'other/shop', service.place)), await treeFacts(service.data));
    });

    test('no snapshot is left by SIGKILL and recover, and the service runs', async () => {
      const marker = join(fleet.folder, 'held');
      await writeFile(join(service.data, 'new'), ''); // something to read
      await fleet.writeClientConfig({ tools: { tar_cmd: await tarThat(fleet, `touch ${marker}; exec sleep 60`) } });
      const run = startProgram(fleet, 'local-backup', 'client');
      await waitFor(async () => existsSync(marker));
      run.kill('SIGKILL');
      await run.ended;
      assert.equal((await service.snapshots()).length, 1);
      const { exitCode, stdout } = await fleet.localBackup('recover');
      assert.equal(exitCode, 0, stdout);
      assert.match(stdout, new RegExp(`other/shop: snapshot removed after an interrupted run \\(${service.key}\\)`));
      assert.deepEqual(await service.snapshots(), []);
      assert.equal((await systemctl.states())['shop.service'], 'active');
    });
  });
}

/** A tar that does something before it reads a snapshot. */
async function tarThat(fleet: Fleet, script: string): Promise<string> {
  const path = join(fleet.folder, 'tar-wrapper');
  const ifSnapshot = `case " $* " in *snapshot*) ${script};; esac`;
  await writeFile(path, `#!/bin/sh\n${ifSnapshot}\nexec tar "$@"\n`, { mode: 0o755 });
  return path;
}

/** Unpacks the archive in the drop folder as the README of the plugins says; the folder with its content. */
export async function untar(fleet: Fleet): Promise<string> {
  const [name = ''] = (await readdir(fleet.drop)).filter((found) => found.endsWith('.tar.gz'));
  const target = join(fleet.folder, 'restored');
  await mkdir(target);
  const options = ['--numeric-owner', '--same-permissions', '--xattrs', '--xattrs-include=*', '--acls'];
  const args = ['--extract', '--gzip', '--file', join(fleet.drop, name), '--directory', target, ...options];
  const { exitCode, stderr } = await execaRunner().run({ file: 'tar', args });
  assert.equal(exitCode, 0, stderr);
  return target;
}
