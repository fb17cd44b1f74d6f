import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Command } from '#common/process/command.ts';
import { collectorContext } from '#common/testing/collector-context.ts';
import { collectorContract, interventionContract } from '#common/testing/collector-contract.ts';
import { type FakeSystemctl, fakeSystemctl } from '#common/testing/fake-systemctl.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { systemdCollector } from './systemd-collector.ts';
import { parseUnits } from './unit-states.ts';

const { PATH } = process.env;
const machine = await mkdtemp(join(tmpdir(), 'fake-systemctl-'));
const systemctl = await fakeSystemctl(machine);
before(() => {
  process.env.PATH = `${systemctl.bin}:${PATH}`;
});
after(() => rm(machine, { recursive: true }));

collectorContract(systemdCollector, {
  good: {
    options: async () => {
      await systemctl.set({ 'web.service': 'active' });
      return { units: ['web.service'] };
    },
    holds: [],
  },
  failing: { options: async () => ({ units: ['missing.service'] }) },
});

interventionContract(systemdCollector, 'stop', {
  options: async () => {
    await systemctl.set({ 'web.service': 'active', 'db.service': 'active', 'off.service': 'inactive' });
    return { units: ['web.service', 'off.service', 'db.service'] };
  },
  world: systemctl.states,
});

describe('systemd', () => {
  it('what runs is stopped in its order and started in the opposite one, and the rest is left', async (given) => {
    await given.systemctl.set({ 'web.service': 'active', 'off.service': 'inactive', 'db.service': 'active' });
    const state = await given.plan(['web.service', 'off.service', 'db.service']);
    assert.ok(state !== undefined);
    assert.equal(systemdCollector.stop?.describe(state), 'web.service, db.service');
    await systemdCollector.stop?.begin(state, given.context);
    await systemdCollector.stop?.end(state, given.context);
    await systemdCollector.stop?.end(state, given.context);
    assert.deepEqual((await given.systemctl.calls()).slice(0, 4), [
      'stop web.service',
      'stop db.service',
      'start db.service',
      'start web.service',
    ]);
    assert.deepEqual(await given.systemctl.states(), {
      'db.service': 'active',
      'off.service': 'inactive',
      'web.service': 'active',
    });
  });

  it('where nothing runs there is nothing to stop', async (given) => {
    await given.systemctl.set({ 'web.service': 'inactive', 'db.service': 'failed' });
    assert.equal(await given.plan(['web.service', 'db.service']), undefined);
  });

  it('a unit that is not there fails before anything is touched', async (given) => {
    await given.systemctl.set({ 'web.service': 'active' });
    await assert.rejects(given.check(['web.service', 'wbe.service']), {
      name: 'BackupError',
      message: 'systemd: the unit wbe.service cannot be used: it is not-found',
      hint: /list-units/,
    });
  });

  it('the backup does not stop itself', async (given) => {
    await assert.rejects(given.check(['local-backup.service']), {
      message: 'systemd: local-backup.service is the backup itself',
    });
  });

  it('a unit that comes back at once is told', async (given) => {
    await given.systemctl.set({ 'web.service': 'stubborn' });
    const state = await given.plan(['web.service']);
    await assert.rejects(async () => systemdCollector.stop?.begin(state, given.context), {
      message: 'systemd: web.service did not stay stopped',
      hint: /socket/,
    });
  });

  it('a unit that does not start again is told with what systemd says', async (given) => {
    await given.systemctl.set({ 'web.service': 'broken' });
    const state = { units: ['web.service'], timeoutMs: 1000 };
    await assert.rejects(async () => systemdCollector.stop?.end(state, given.context), {
      message: 'systemd: web.service could not be started: Job for web.service failed.',
      hint: 'See "systemctl status web.service" and "journalctl -u web.service".',
    });
  });

  it('no answer from systemd is an error', async (given) => {
    await writeFile(join(given.folder, 'bin/systemctl'), '#!/bin/sh\necho "no bus" >&2; exit 1\n');
    await assert.rejects(given.check(['web.service']), { message: 'systemd: cannot ask for the units: no bus' });
  });
});

test('the answer of systemctl show is read block by block', () => {
  const output =
    'Id=a.service\nLoadState=loaded\nActiveState=active\n\nId=b=c.service\nLoadState=masked\nActiveState=inactive\n';
  assert.deepEqual(parseUnits(output), [
    { id: 'a.service', load: 'loaded', active: 'active' },
    { id: 'b=c.service', load: 'masked', active: 'inactive' },
  ]);
  assert.deepEqual(parseUnits(''), []);
});

/** A machine whose units are files. */
class Machine {
  constructor(
    readonly folder: string,
    readonly systemctl: FakeSystemctl,
  ) {}

  get context() {
    const context = collectorContext(this.folder, 'systemd');
    const env = { PATH: `${this.systemctl.bin}:${PATH}` };
    const run = (command: Command) => context.runner.run({ ...command, env });
    return { ...context, runner: { ...context.runner, run } };
  }

  async plan(units: string[]) {
    return systemdCollector.stop?.plan({ units, timeout: '1m' } as never, this.context);
  }

  async check(units: string[]): Promise<void> {
    await systemdCollector.check?.({ units, timeout: '1m' } as never, this.context);
  }
}

function it(title: string, check: (given: Machine) => Promise<void>): void {
  test(title, async (context) => {
    const folder = await tempFolder(context);
    await check(new Machine(folder, await fakeSystemctl(folder)));
  });
}
