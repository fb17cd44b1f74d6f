import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { lxcCollector } from '#plugins/lxc/lxc-collector.ts';
import { startBtrfs } from './rig/btrfs.ts';
import { collectorTask } from './rig/collector-task.ts';
import { startFleet } from './rig/fleet.ts';
import { startLxc } from './rig/lxc.ts';

test('a container on btrfs runs again before it is read, and is saved as it was when it stood still', async (test) => {
  const btrfs = await startBtrfs().catch((error: unknown) => String(error));
  if (typeof btrfs === 'string') return test.skip(btrfs);
  const lxc = await startLxc(btrfs.folder, 'btrfs').catch((error: unknown) => String(error));
  test.after(async () => {
    if (typeof lxc !== 'string') await lxc.stop();
    await btrfs.stop();
  });
  if (typeof lxc === 'string') return test.skip(lxc);
  await writeFile(join(lxc.rootfs('first'), 'etc/motd'), 'saved');
  await lxc.lxc('start', 'first');
  const before = await btrfs.subvolumes();
  const fleet = await startFleet();
  test.after(() => fleet.stop());
  await fleet.writeService('lxc', 'mail', { lxc: { container: 'first', lxc_path: lxc.path, snapshot: true } });

  const { stdout: plan } = await fleet.localBackup('plan');
  const steps = [
    'stop the container first',
    'snapshot a snapshot of',
    'start again the container first',
    'collect lxc',
    'remove the snapshot',
  ];
  const places = steps.map((step) => plan.indexOf(step));
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
    plan,
  );
  assert.ok(!places.includes(-1), plan);

  const run = await fleet.localBackup('run');
  assert.equal(run.exitCode, 0, run.stdout);
  assert.equal(await lxc.state('first'), 'RUNNING');
  assert.deepEqual(await btrfs.subvolumes(), before);
  const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
  const unpack = ['--extract', '--to-stdout', '--gzip', '--file', join(fleet.drop, archive)];
  const { stdout } = await execaRunner().run({
    file: 'tar',
    args: [...unpack, 'lxc/mail/lxc/first/rootfs/etc/motd'],
  });
  assert.equal(stdout, 'saved');
});

test('where no snapshot can be taken, that is a warning', async (test) => {
  const lxc = await startLxc().catch((error: unknown) => String(error));
  if (typeof lxc === 'string') return test.skip(lxc);
  test.after(() => lxc.stop());
  const task = await collectorTask(test, lxcCollector);
  const options = { container: 'first', lxc_path: lxc.path, snapshot: true };
  await task.check(options);
  assert.deepEqual(task.warnings, [
    `lxc: no snapshot can be taken of ${lxc.rootfs('first')}, so first stays stopped while it is read`,
  ]);
});
