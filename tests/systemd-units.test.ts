import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { CommandResult } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { refusedPaths } from '#common/run/unit-paths.ts';
import { lastOf, unitSettings } from '#common/run/unit-settings.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { startFleet } from './rig/fleet.ts';
import { sandboxed, sandboxProblem } from './rig/sandbox.ts';
import { treeFacts } from './rig/tree-facts.ts';

const folder = 'systemd';
const units = readdirSync(folder).filter((name) => /\.(service|timer)$/.test(name));
const reporters = units.filter((name) => name.endsWith('-failure@.service'));
const services = units.filter((name) => name.endsWith('.service') && !reporters.includes(name));
const timers = units.filter((name) => name.endsWith('.timer'));
const runner = execaRunner();
const textOf = (unit: string) => readFileSync(join(folder, unit), 'utf8');
const settingOf = (unit: string, key: string) => unitSettings(textOf(unit))(key).join(' ');
const run = (file: string, ...args: string[]) => runner.run({ file, args });

const noAnalyze = await run('systemd-analyze', '--version').then(
  () => false as const,
  () => 'systemd-analyze is not installed (package systemd)',
);

describe('the units', () => {
  test('are three services with their timers, one that puts things right at boot, and two that tell of failures', () => {
    const pairs = ['backup-server', 'local-backup', 'restic-maintenance'].flatMap((name) => [
      `${name}.service`,
      `${name}.timer`,
    ]);
    const others = ['local-backup-recover.service', 'local-backup-failure@.service', 'backup-server-failure@.service'];
    assert.deepEqual(units.sort(), [...pairs, ...others].sort());
  });

  test('pass systemd-analyze verify without a word', { skip: noAnalyze }, async (context) => {
    const root = await installedRoot(context);
    for (const unit of units) {
      const unitFile = `/etc/systemd/system/${unit}`;
      const { exitCode, stdout, stderr } = await run(
        'systemd-analyze',
        'verify',
        '--man=no',
        '--recursive-errors=no',
        `--root=${root}`,
        unitFile,
      );
      assert.deepEqual([exitCode, stdout + stderr], [0, ''], unit);
    }
  });

  const exposures = {
    'local-backup.service': 3.5,
    'local-backup-recover.service': 3.5,
    'backup-server.service': 3.5,
    'restic-maintenance.service': 2.8,
    'local-backup-failure@.service': 2.8,
    'backup-server-failure@.service': 2.8,
  };
  for (const [unit, exposure] of Object.entries(exposures)) {
    test(`${unit} is exposed to no more than ${exposure} of 10`, { skip: noAnalyze }, async () => {
      const args = ['--offline=true', `--threshold=${exposure * 10}`, join(folder, unit)];
      const { exitCode, stdout } = await run('systemd-analyze', 'security', ...args);
      assert.equal(exitCode, 0, stdout);
    });
  }
});

describe('the timers', () => {
  const times = {
    'local-backup.timer': ['*-*-* 03:00:00', '1h'],
    'backup-server.timer': ['*-*-* 04:00:00', '1h'],
    'restic-maintenance.timer': ['Sun *-*-* 05:00:00', '2h'],
  };
  for (const [unit, [calendar, delay]] of Object.entries(times)) {
    test(`${unit} makes up for missed runs and does not start its service by being started`, () => {
      assert.equal(settingOf(unit, 'OnCalendar'), calendar);
      assert.equal(settingOf(unit, 'RandomizedDelaySec'), delay);
      assert.equal(settingOf(unit, 'Persistent'), 'true');
      assert.equal(settingOf(unit, 'WantedBy'), 'timers.target');
      for (const key of ['Requires', 'Wants', 'BindsTo', 'Requisite']) assert.equal(settingOf(unit, key), '', key);
    });
  }

  test('name times that systemd understands', { skip: noAnalyze }, async () => {
    for (const unit of timers) {
      assert.equal((await run('systemd-analyze', 'calendar', settingOf(unit, 'OnCalendar'))).exitCode, 0, unit);
      assert.equal((await run('systemd-analyze', 'timespan', settingOf(unit, 'RandomizedDelaySec'))).exitCode, 0, unit);
    }
  });
});

describe('the services', () => {
  test('run each program once, to its end', () => {
    const started = services.map((unit) => [unit, settingOf(unit, 'Type'), settingOf(unit, 'ExecStart')]);
    assert.deepEqual(started.sort(), [
      ['backup-server.service', 'oneshot', '/opt/backup/bin/backup-server run'],
      ['local-backup-recover.service', 'oneshot', '/opt/backup/bin/local-backup recover'],
      ['local-backup.service', 'oneshot', '/opt/backup/bin/local-backup run'],
      ['restic-maintenance.service', 'oneshot', '/opt/backup/bin/restic-maintenance run'],
    ]);
  });

  test('are passed over while nothing is configured, and tell of what a run could not tell', () => {
    for (const unit of services) {
      const program = unit.startsWith('local-backup') ? 'local-backup' : 'backup-server';
      assert.equal(settingOf(unit, 'OnFailure'), `${program}-failure@%n.service`, unit);
      if (unit !== 'local-backup-recover.service')
        assert.equal(settingOf(unit, 'ExecCondition'), `/opt/backup/bin/${program} ready`, unit);
    }
    const started = reporters.sort().map((unit) => settingOf(unit, 'ExecStart'));
    const report = (program: string) => `/opt/backup/bin/${program} report-failure %i`;
    assert.deepEqual(started, ['backup-server', 'local-backup'].map(report));
  });

  test('start again what was stopped, after each run and at boot', () => {
    assert.equal(settingOf('local-backup.service', 'ExecStopPost'), '/opt/backup/bin/local-backup recover');
    assert.equal(settingOf('local-backup-recover.service', 'WantedBy'), 'multi-user.target');
    assert.match(settingOf('local-backup.service', 'After'), /\blocal-backup-recover\.service\b/);
  });

  for (const unit of services) {
    test(`${unit} has time to tidy up, and keeps the folder of the locks`, () => {
      assert.equal(settingOf(unit, 'KillMode'), 'mixed');
      assert.match(settingOf(unit, 'TimeoutStopSec'), /^\d+min$/);
      assert.equal(settingOf(unit, 'RuntimeDirectoryPreserve'), 'yes');
      assert.equal(settingOf(unit, 'UMask'), '0077');
    });

    test(`${unit} counts only a run that was made as a success`, () => {
      assert.equal(settingOf(unit, 'SuccessExitStatus'), '');
    });

    test(`${unit} is no stricter than the job allows`, () => {
      for (const key of ['MemoryDenyWriteExecute', 'ProcSubset', 'ProtectProc', 'PrivateUsers', 'PrivateNetwork']) {
        assert.equal(settingOf(unit, key), '', key);
      }
      assert.match(settingOf(unit, 'SystemCallFilter'), /^@system-service @pkey$/);
    });

    test(`${unit} says why for each capability and each thing left out`, () => {
      const comments = textOf(unit)
        .split('\n')
        .filter((line) => line.startsWith('#'))
        .join('\n');
      const capabilities = settingOf(unit, 'CapabilityBoundingSet')
        .split(' ')
        .map((name) => name.replace('CAP_', ''));
      for (const word of [...capabilities, 'MemoryDenyWriteExecute', 'ProcSubset', 'ProtectProc']) {
        assert.ok(comments.includes(word), `no comment on ${word}`);
      }
    });
  }

  test('the server may unpack setuid files and never makes devices', () => {
    assert.equal(settingOf('backup-server.service', 'RestrictSUIDSGID'), '');
    assert.doesNotMatch(settingOf('backup-server.service', 'CapabilityBoundingSet'), /MKNOD/);
  });

  test('the sample configurations need no drop-in', () => {
    const write = (path: string) => ({ path, needs: 'write' as const, because: 'the sample' });
    const own = ['/var/lib/backup', '/run/backup'].map(write);
    const stored = [...own, ...['/srv/restic', '/var/cache/backup/restic'].map(write)];
    const work = ['/var/lib/backup/work', '/var/tmp/backup_server_work'].map(write);
    assert.deepEqual(refusedPaths(textOf('local-backup.service'), [...own, write('/var/backups/drop')]), []);
    assert.deepEqual(refusedPaths(textOf('backup-server.service'), [...stored, ...work]), []);
    assert.deepEqual(refusedPaths(textOf('restic-maintenance.service'), stored), []);
    assert.notEqual(lastOf(unitSettings(textOf('local-backup.service')), 'ProtectHome'), 'yes');
  });
});

describe('the work folder in /var/tmp', () => {
  const noTmpfiles = process.getuid?.() === 0 ? noAnalyze : 'only root can make the folder';

  test('is made before the unit starts, and is not cleaned as old', { skip: noTmpfiles }, async (context) => {
    const root = await tempFolder(context);
    await mkdir(join(root, 'etc'));
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    await writeFile(join(root, 'etc/group'), 'root:x:0:\n');
    await mkdir(join(root, 'etc/tmpfiles.d'));
    await writeFile(join(root, 'etc/tmpfiles.d/tmp.conf'), 'q /var/tmp 1777 root root 0\n');
    await copyFile(join(folder, 'backup-server.tmpfiles'), join(root, 'etc/tmpfiles.d/backup-server.conf'));
    assert.equal((await run('systemd-tmpfiles', `--root=${root}`, '--create')).exitCode, 0);
    const work = join(root, 'var/tmp/backup_server_work');
    assert.equal((await stat(work)).mode & 0o7777, 0o700);
    await writeFile(join(work, 'of-a-tree'), '');
    await writeFile(join(root, 'var/tmp/old'), '');
    assert.equal((await run('systemd-tmpfiles', `--root=${root}`, '--clean')).exitCode, 0);
    assert.deepEqual(await readdir(join(root, 'var/tmp')), ['backup_server_work']);
    assert.deepEqual(await readdir(work), ['of-a-tree']);
  });
});

/** What systemd would do can be had without it for the most part: capabilities and a read-only file system. */
describe('in the sandbox of their units', async () => {
  const skip = (await sandboxProblem()) ?? false;

  test('the sandbox of the upkeep is one', { skip }, async (context) => {
    const here = await tempFolder(context);
    await mkdir(join(here, 'own'));
    const attempt = (...args: string[]) =>
      runner.run(
        sandboxed(textOf('restic-maintenance.service'), [join(here, 'own')], { file: 'sh', args: ['-c', ...args] }),
      );
    assert.equal((await attempt(`touch ${here}/own/file`)).exitCode, 0);
    assert.match((await attempt(`touch ${here}/file`)).stderr, /Read-only file system/);
    assert.match((await attempt(`chown 1 ${here}/own/file`)).stderr, /Operation not permitted/);
  });

  test('the three programs do the whole job, with every attribute', { skip }, async (context) => {
    const fleet = await startFleet();
    context.after(() => fleet.stop());
    const at = (...names: string[]) => join(fleet.folder, ...names);
    const source = at('source');
    await makeSource(source);
    await fleet.writeService('docker', 'shop', {
      files: { paths: [source] },
      command: { run: ['runuser', '-u', 'nobody', '--', 'id', '-un'], output: 'account' },
    });
    const inUnit = async (name: string, config: string, writable: readonly string[]): Promise<CommandResult> => {
      for (const path of writable) await mkdir(path, { recursive: true, mode: 0o700 });
      const args = [`dist/bin/${name}`, 'run', '--config-dir', at(config)];
      const command = { file: process.execPath, args, env: { TMPDIR: at('cache') } };
      return runner.run(sandboxed(textOf(`${name}.service`), writable, command));
    };
    const clientFolders = [fleet.drop, at('client-state'), at('client-run')];
    const serverFolders = [fleet.repositories, at('cache'), at('server-state'), at('server-run')];
    await fleet.backupServer('init');

    const client = await inUnit('local-backup', 'client', clientFolders);
    assert.equal(client.exitCode, 0, client.stdout + client.stderr);
    const server = await inUnit('backup-server', 'server', [...serverFolders, fleet.work]);
    assert.equal(server.exitCode, 0, server.stdout + server.stderr);
    const upkeep = await inUnit('restic-maintenance', 'server', serverFolders);
    assert.equal(upkeep.exitCode, 0, upkeep.stdout + upkeep.stderr);

    const restored = await fleet.backupServer('restore', 'web', '--to', at('restored'));
    assert.equal(restored.exitCode, 0, restored.stderr);
    assert.deepEqual(await treeFacts(at('restored/docker/shop/data/source')), await treeFacts(source));
    assert.equal(readFileSync(at('restored/docker/shop/command/account'), 'utf8'), 'nobody\n');
  });
});

/** An installation under a root of its own, with nothing of this machine. */
async function installedRoot(context: TestContext): Promise<string> {
  const root = await tempFolder(context);
  await mkdir(join(root, 'opt/backup/bin'), { recursive: true });
  await mkdir(join(root, 'etc/systemd/system'), { recursive: true });
  for (const name of ['local-backup', 'backup-server', 'restic-maintenance']) {
    await writeFile(join(root, 'opt/backup/bin', name), '#!/bin/sh\n', { mode: 0o755 });
  }
  for (const unit of units) await copyFile(join(folder, unit), join(root, 'etc/systemd/system', unit));
  return root;
}

/** What needs a capability to be read, or to be written with all its attributes. */
async function makeSource(path: string): Promise<void> {
  await mkdir(join(path, 'private'), { recursive: true });
  await writeFile(join(path, 'private/file'), 'of nobody else');
  await chown(join(path, 'private/file'), 4711, 4712);
  await chmod(join(path, 'private/file'), 0o600);
  await chown(join(path, 'private'), 4711, 4712);
  await chmod(join(path, 'private'), 0o700);
  await writeFile(join(path, 'setuid'), '');
  await chown(join(path, 'setuid'), 4711, 4712);
  await chmod(join(path, 'setuid'), 0o6755);
  await writeFile(join(path, 'ping'), '');
  for (const args of [
    ['setcap', 'cap_net_raw+ep'],
    ['setfacl', '-m', 'u:4711:r'],
    ['setfattr', '-n', 'user.a', '-v', 'b'],
  ]) {
    const [file = '', ...rest] = args;
    assert.equal((await run(file, ...rest, join(path, 'ping'))).exitCode, 0, file);
  }
}
