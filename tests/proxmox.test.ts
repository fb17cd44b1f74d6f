import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Collector } from '#common/plugin/collector.ts';
import { collectorContract, interventionContract, withDefaults } from '#common/testing/collector-contract.ts';
import { lxcCollector } from '#plugins/lxc/lxc-collector.ts';
import { collectorTask } from './rig/collector-task.ts';
import { fakePct } from './rig/fake-pct.ts';

const collector = lxcCollector as Collector as Collector<unknown>;
const folder = await mkdtemp(join(tmpdir(), 'backup-pct-'));
const pct = await fakePct(folder);
const { PATH } = process.env;
before(() => {
  process.env.PATH = `${pct.bin}:${PATH}`;
});
after(() => rm(folder, { recursive: true }));

const container = async (status: 'running' | 'stopped', more: object = {}) => {
  await pct.set(101, { status, ...more });
  await writeFile(join(pct.volume(101), 'page'), 'hello');
  return { vmid: 101 };
};

collectorContract(lxcCollector, {
  good: {
    options: () => container('stopped'),
    holds: ['lxc/101/101.conf', 'lxc/101/rootfs/', 'lxc/101/rootfs/page'],
  },
  failing: { options: async () => ({ vmid: 999 }) },
});

interventionContract(lxcCollector, 'stop', {
  options: () => container('running'),
  world: () => pct.state(101),
});

describe('a container of Proxmox (a double of pct that keeps state)', () => {
  const taskOf = async (test: TestContext, more: object = {}) => {
    const task = await collectorTask(test, lxcCollector);
    return { ...task, options: withDefaults(collector, { vmid: 101, ...more }) as never };
  };

  test('its volumes are mounted only while they are read, also when that fails', async (test) => {
    await container('stopped');
    const task = await taskOf(test);
    const failing = { ...task.archive, addTree: () => Promise.reject(new Error('the disk is full')) };
    await assert.rejects(async () => lxcCollector.collect(task.options, task.context, failing), /the disk is full/);
    assert.equal(await pct.state(101), 'stopped');
    assert.deepEqual(await readdir(pct.volume(101)), ['page']);
  });

  test('what a killed run has left mounted is unmounted, whether it ran before or not', async (test) => {
    const task = await taskOf(test);
    for (const status of ['running', 'stopped'] as const) {
      await container(status);
      const [stop, cleanup] = [
        await lxcCollector.stop?.plan(task.options, task.context),
        await lxcCollector.cleanup?.plan(task.options, task.context),
      ];
      assert.equal(stop === undefined, status === 'stopped');
      if (stop !== undefined) await lxcCollector.stop?.begin(stop, task.context);
      await task.context.runner.run({ file: 'pct', args: ['mount', '101'] });
      assert.equal(await pct.state(101), 'stopped mounted');
      if (stop !== undefined) await lxcCollector.stop?.end(stop, task.context);
      await lxcCollector.cleanup?.end(cleanup, task.context);
      assert.equal(await pct.state(101), status);
    }
  });

  test('one that does not shut down in time is stopped, and that is a warning', async (test) => {
    await container('running', { isStubborn: true });
    const task = await taskOf(test, { stop_timeout: '1m' });
    const state = await lxcCollector.stop?.plan(task.options, task.context);
    assert.ok(state !== undefined);
    await lxcCollector.stop?.begin(state, task.context);
    assert.equal(await pct.state(101), 'stopped');
    assert.deepEqual(task.warnings, ['lxc: 101 did not shut down within 60 s and was killed']);
  });

  test('one that Proxmox works on fails before anything is touched', async (test) => {
    await container('running', { lock: 'backup' });
    const task = await taskOf(test);
    await assert.rejects(async () => lxcCollector.check?.(task.options, task.context), {
      name: 'BackupError',
      message: 'lxc: the container 101 is locked (backup)',
      hint: 'Wait until Proxmox is done with it; where nothing works on it any more, "pct unlock 101".',
    });
  });

  test('one that is not there fails before anything is touched', async (test) => {
    const task = await taskOf(test, { vmid: 999 });
    await assert.rejects(async () => lxcCollector.check?.(task.options, task.context), {
      message: "lxc: cannot look at the container 999: Configuration file 'nodes/pve/lxc/999.conf' does not exist",
      hint: 'Compare the number with "pct list".',
    });
  });

  test('the audit names the containers that Proxmox has', async (test) => {
    await container('stopped');
    const { context } = await taskOf(test);
    assert.deepEqual(await lxcCollector.findAssets?.(context), [{ kind: 'container', name: '101' }]);
  });
});
