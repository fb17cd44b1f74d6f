import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import type { Collector } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContract, interventionContract, withDefaults } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { lxcCollector } from '#plugins/lxc/lxc-collector.ts';
import type { LxcOptions } from '#plugins/lxc/lxc-schema.ts';
import { collectorTask } from './rig/collector-task.ts';
import { startFleet } from './rig/fleet.ts';
import { startLxc, type TestLxc } from './rig/lxc.ts';
import { waitFor } from './rig/running.ts';
import { sandboxed, sandboxProblem } from './rig/sandbox.ts';

const unit = readFileSync('systemd/local-backup.service', 'utf8');
const noSandbox = (await sandboxProblem()) ?? false;
const collector = lxcCollector as Collector as Collector<unknown>;
const rig = await startLxc().catch((error: unknown) => String(error));
if (typeof rig === 'string') test('the collector lxc on real containers', { skip: rig }, () => undefined);
else await provenOn(rig);

async function provenOn(lxc: TestLxc): Promise<void> {
  after(() => lxc.stop());
  await lxc.create('small'); // without what the template makes
  await rm(lxc.rootfs('small'), { recursive: true });
  await mkdir(lxc.rootfs('small'));
  await writeFile(join(lxc.rootfs('small'), 'page'), 'hello');

  collectorContract(lxcCollector, {
    good: {
      options: async () => ({ container: 'small', lxc_path: lxc.path }),
      holds: ['lxc/small/config', 'lxc/small/rootfs/', 'lxc/small/rootfs/page'],
    },
    failing: { options: async () => ({ container: 'gone', lxc_path: lxc.path }) },
  });

  interventionContract(lxcCollector, 'stop', {
    options: async () => {
      if ((await lxc.state('first')) !== 'RUNNING') await lxc.lxc('start', 'first');
      return { container: 'first', lxc_path: lxc.path };
    },
    world: () => lxc.state('first'),
  });

  describe('lxc', () => {
    const taskOf = async (test: TestContext, name: string, more: object = {}) => {
      const task = await collectorTask(test, lxcCollector);
      return { ...task, options: { container: name, lxc_path: lxc.path, ...more } };
    };
    const runningContainer = async (test: TestContext, name: string): Promise<void> => {
      await lxc.create(name);
      await lxc.lxc('start', name);
      test.after(() => lxc.lxc('stop', name, '--kill').catch(() => undefined));
    };
    const plan = ({ context, options }: Awaited<ReturnType<typeof taskOf>>) =>
      lxcCollector.stop?.plan(withDefaults(collector, options) as never, context);

    test('a container that does not run is not stopped, and so not started', async (test) => {
      assert.equal(await plan(await taskOf(test, 'small')), undefined);
    });

    test('a container that runs is saved by the whole program, runs again, and comes back by hand', async (test) => {
      await runningContainer(test, 'mail');
      await writeFile(join(lxc.rootfs('mail'), 'etc/motd'), 'saved');
      const fleet = await startFleet();
      test.after(() => fleet.stop());
      await fleet.writeService('lxc', 'mail', { lxc: { container: 'mail', lxc_path: lxc.path } });
      const run = await fleet.localBackup('run');
      assert.equal(run.exitCode, 0, run.stdout);
      assert.match(run.stdout, /^ok +lxc\/mail \(.*: downtime \d+\.\d s$/m);
      assert.equal(await lxc.state('mail'), 'RUNNING');

      const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
      const attributes = ['--numeric-owner', '--same-permissions', '--xattrs', '--xattrs-include=*', '--acls'];
      const sh = (file: string, ...args: string[]) => execaRunner().run({ file, args });
      await sh('tar', '--extract', '--gzip', '--file', join(fleet.drop, archive), '-C', fleet.folder, ...attributes);
      const restored = join(lxc.path, 'restored');
      await sh('cp', '-a', join(fleet.folder, 'lxc/mail/lxc/mail'), restored);
      await sh('sed', '-i', `s#${lxc.path}/mail/#${restored}/#; s#"mail"#"restored"#`, join(restored, 'config'));
      test.after(() => lxc.lxc('stop', 'restored', '--kill').catch(() => undefined));
      await lxc.lxc('start', 'restored');
      assert.equal(await lxc.state('restored'), 'RUNNING');
      assert.equal(await lxc.lxc('attach', 'restored', '--', 'cat', '/etc/motd'), 'saved');
    });

    test('a container that does not shut down in time is killed, and that is a warning', async (test) => {
      await lxc.create('deaf');
      await writeFile(join(lxc.rootfs('deaf'), 'etc/inittab'), '');
      await lxc.lxc('start', 'deaf');
      const task = await taskOf(test, 'deaf', { stop_timeout: '1s' });
      const state = await plan(task);
      assert.ok(state !== undefined);
      await lxcCollector.stop?.begin(state, task.context);
      assert.equal(await lxc.state('deaf'), 'STOPPED');
      assert.deepEqual(task.warnings, ['lxc: deaf did not shut down within 1 s and was killed']);
    });

    test('it is stopped from the sandbox of local-backup.service with what check asks for', {
      skip: noSandbox,
    }, async (test) => {
      await runningContainer(test, 'boxed');
      const { context: given, options } = await taskOf(test, 'boxed');
      const checked = withDefaults(collector, options) as LxcOptions;
      const { unitLines } = lxcCollector;
      assert.deepEqual(typeof unitLines === 'function' && unitLines(checked), ['ReadWritePaths=-/run/lxc']);
      const run = (command: Command) => given.runner.run(sandboxed(unit, ['/run/lxc'], command));
      const context = { ...given, runner: { ...given.runner, run } };
      await lxcCollector.check?.(checked, context);
      const state = await lxcCollector.stop?.plan(checked, context);
      assert.ok(state !== undefined);
      await lxcCollector.stop?.begin(state, context);
      assert.equal(await lxc.state('boxed'), 'STOPPED');
      const closed = {
        ...given,
        runner: { ...given.runner, run: (command: Command) => given.runner.run(sandboxed(unit, [], command)) },
      };
      await assert.rejects(async () => lxcCollector.check?.(checked, closed), {
        message: /^lxc: cannot look at the container boxed: Failed to load config for boxed/,
        hint: 'In local-backup.service it needs the drop-in that "local-backup check" prints.',
      });
    });

    test('a stop that was broken off is finished, so that it does not end after it was found running', async (test) => {
      await lxc.create('halfway');
      const halting = join(lxc.rootfs('halfway'), 'halting');
      await appendFile(join(lxc.rootfs('halfway'), 'etc/inittab'), '::shutdown:/bin/touch /halting\n');
      await lxc.lxc('start', 'halfway');
      const task = await taskOf(test, 'halfway');
      const state = await plan(task);
      assert.ok(state !== undefined);
      const told = task.context.runner.start({ file: 'lxc-stop', args: ['--lxcpath', lxc.path, '--name', 'halfway'] });
      await waitFor(async () => existsSync(halting));
      told.stop();
      await told.done;
      assert.equal(await lxc.state('halfway'), 'RUNNING');
      await lxcCollector.stop?.end(state, task.context);
      assert.equal(await lxc.state('halfway'), 'RUNNING');
      assert.notDeepEqual(await plan(task), state, 'it was not started anew');
    });

    test('a container that cannot be started again is named', async (test) => {
      await runningContainer(test, 'lost');
      const task = await taskOf(test, 'lost');
      const state = await plan(task);
      assert.ok(state !== undefined);
      await lxcCollector.stop?.begin(state, task.context);
      await rm(lxc.rootfs('lost'), { recursive: true });
      await assert.rejects(async () => lxcCollector.stop?.end(state, task.context), {
        name: 'BackupError',
        message: /^lxc: cannot start the container lost: lxc-start: lost: /,
        hint: `"lxc-start --lxcpath ${lxc.path} --name lost --foreground" shows more.`,
      });
    });

    test('outside of stop_hours a service with a running container is skipped', async (test) => {
      await runningContainer(test, 'busy');
      const skip = async (name: string, hours: readonly string[]) => {
        const task = await taskOf(test, name, { stop_hours: hours });
        const context = { ...task.context, now: () => new Date('2026-06-01T12:00:00') };
        return lxcCollector.skip?.(withDefaults(collector, task.options) as never, context);
      };
      assert.equal(
        await skip('busy', ['22:00-06:00', '13:00-14:00']),
        'lxc: the container busy runs, and may be stopped at 22:00-06:00, 13:00-14:00 only (stop_hours)',
      );
      assert.equal(await skip('busy', ['22:00-06:00', '11:00-13:00']), undefined);
      assert.equal(await skip('small', ['22:00-06:00']), undefined);
    });

    test('a container that is not there fails before anything is touched', async (test) => {
      const task = await taskOf(test, 'gone');
      await assert.rejects(task.check(task.options), {
        message: "lxc: cannot look at the container gone: gone doesn't exist",
        hint: 'Compare the name with "lxc-ls --fancy", and lxc_path with "lxc-config lxc.lxcpath".',
      });
    });

    test('a root file system that is no folder fails before anything is touched', async (test) => {
      await lxc.create('raw');
      await writeFile(join(lxc.path, 'raw/config'), 'lxc.rootfs.path = lvm:/dev/pve/raw\n');
      const task = await taskOf(test, 'raw');
      await assert.rejects(task.check(task.options), {
        message: 'lxc: the root file system of raw is /dev/pve/raw, which is no folder of this machine',
        hint: /files task/,
      });
    });

    test('without the programs of LXC it says what to install, and the audit finds nothing', async (test) => {
      const { PATH } = process.env;
      process.env.PATH = await tempFolder(test);
      test.after(() => Object.assign(process.env, { PATH }));
      const task = await taskOf(test, 'small');
      await assert.rejects(task.check(task.options), {
        message: 'lxc: there is no program lxc-info',
        hint: 'Install lxc.',
      });
      assert.deepEqual(await lxcCollector.findAssets?.(task.context), []);
    });

    test('a task covers its container', async (test) => {
      const task = await taskOf(test, 'small');
      assert.deepEqual(await task.coverage(task.options), {
        assets: [{ kind: 'container', name: 'small' }],
        paths: [lxc.rootfs('small')],
      });
    });
  });
}
