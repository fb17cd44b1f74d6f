import assert from 'node:assert/strict';
import { access, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type FakeSystemctl, fakeSystemctl } from '#common/testing/fake-systemctl.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { startProgram, waitFor } from './rig/running.ts';

describe('a service that is stopped for its backup', () => {
  let fleet: Fleet;
  let systemctl: FakeSystemctl;
  const path = process.env.PATH;
  const interventions = () => readdir(join(fleet.folder, 'client-state/interventions'));
  const isRunning = async () => (await systemctl.states())['web.service'] === 'active';

  before(async () => {
    fleet = await startFleet();
    systemctl = await fakeSystemctl(join(fleet.folder, 'systemctl'));
    process.env.PATH = `${systemctl.bin}:${path}`;
    await writeFile(join(fleet.folder, 'page'), 'hello');
    await writeTasks(fleet);
  });
  after(async () => {
    process.env.PATH = path;
    await fleet.stop();
  });

  it('runs again after a good run, and the report tells for how long it did not', async () => {
    await systemctl.set({ 'web.service': 'active' });
    const result = await fleet.localBackup('run');
    assert.equal(result.exitCode, 0, result.stdout + result.stderr);
    assert.match(result.stdout, /^ok +other\/web \(.*: downtime \d+\.\d s$/m);
    assert.deepEqual(await systemctl.calls(), ['stop web.service', 'start web.service']);
    assert.deepEqual(await interventions(), []);
  });

  it('is shown by plan with the steps of a run, and how the last one went', async () => {
    const { exitCode, stdout } = await fleet.localBackup('plan');
    assert.equal(exitCode, 0);
    const lines = [
      /^other\/web {2}.*service\.yaml$/,
      /^ {2}last run: ok, took \d+\.\d s, stopped for \d+\.\d s$/,
      /^ {2}1\. stop web\.service$/,
      /^ {2}2\. collect systemd$/,
      /^ {2}3\. collect files$/,
      /^ {2}4\. start again web\.service$/,
    ];
    for (const [index, line] of lines.entries()) assert.match(stdout.split('\n')[index] ?? '', line);
    assert.deepEqual((await systemctl.calls()).length, 2);
  });

  it('is not touched by a dry run', async () => {
    await systemctl.set({ 'web.service': 'active' });
    assert.equal((await fleet.localBackup('run', '--dry-run')).exitCode, 0);
    assert.deepEqual(await systemctl.calls(), []);
  });

  it('runs again when collecting fails', async () => {
    await systemctl.set({ 'web.service': 'active' });
    await fleet.writeClientConfig({ tools: { tar_cmd: await tarThat(fleet, 'echo broken >&2; exit 2') } });
    const result = await fleet.localBackup('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /^FAILED +other\/web \(.*: downtime \d+\.\d s\n {2}failed at "files": /m);
    assert.deepEqual(await systemctl.calls(), ['stop web.service', 'start web.service']);
  });

  it('runs again when the run is told to end', async () => {
    const run = await startAndHold(fleet, systemctl);
    run.kill('SIGTERM');
    assert.equal(await run.ended, 143);
    assert.equal(await isRunning(), true);
    assert.deepEqual(await interventions(), []);
  });

  it('stays stopped after SIGKILL, and recover starts it', async () => {
    await killWhileStopped(fleet, systemctl);
    const forecast = await fleet.localBackup('recover', '--dry-run');
    assert.equal(forecast.stdout, 'other/web: stop of systemd is open\n');
    assert.equal(await isRunning(), false);
    const { exitCode, stdout } = await fleet.localBackup('recover');
    assert.equal(exitCode, 0);
    assert.match(stdout, /^ {2}warning: other\/web: started again after an interrupted run \(systemd\)$/m);
    assert.equal(await isRunning(), true);
    assert.match((await fleet.localBackup('recover')).stdout, /^nothing to put right$/m);
  });

  it('stays stopped after SIGKILL, and the next run starts it and says so', async () => {
    await killWhileStopped(fleet, systemctl);
    await fleet.writeClientConfig();
    const { exitCode, stdout } = await fleet.localBackup('run');
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /^WARNING +left by an interrupted run .*\n.*other\/web: started again/m);
    assert.equal(await isRunning(), true);
  });

  it('is named with what to do when it does not start again, and is tried again', async () => {
    await killWhileStopped(fleet, systemctl);
    await fleet.writeClientConfig();
    await systemctl.set({ 'web.service': 'broken' });
    const failed = await fleet.localBackup('recover');
    assert.equal(failed.exitCode, 1);
    const lines = [
      /^FAILED +left by an interrupted run /m,
      /^ {2}failed at "recover": other\/web is not running again$/m,
      /^ {4}because systemd: web\.service could not be started: Job for web\.service failed\.$/m,
      /^ {4}→ See "systemctl status web\.service" and "journalctl -u web\.service"\.$/m,
    ];
    for (const line of lines) assert.match(failed.stdout, line);
    const subject = '[Backup Error] web - Backup FAILED, other/web is not running again';
    assert.equal(fleet.smtp.mails.at(-1)?.subject, subject);
    assert.equal((await interventions()).length, 1);
    await systemctl.set({ 'web.service': 'inactive' });
    assert.equal((await fleet.localBackup('recover')).exitCode, 0);
    assert.deepEqual(await interventions(), []);
  });

  it('that was stopped for longer than max_downtime is a warning', async () => {
    await writeTasks(fleet, { name: 'web', max_downtime: '0s' });
    await systemctl.set({ 'web.service': 'active' });
    const { exitCode, stdout } = await fleet.localBackup('run');
    assert.equal(exitCode, 0);
    assert.match(stdout, /warning: it was stopped for \d+\.\d s, max_downtime is 0\.0 s/);
  });
});

async function writeTasks(fleet: Fleet, service: object = { name: 'web' }): Promise<void> {
  const files = { paths: [join(fleet.folder, 'page')] };
  await fleet.writeService('other', 'web', { service, systemd: { units: ['web.service'] }, files });
}

/** A tar that does something before it reads the source of the files task. */
async function tarThat(fleet: Fleet, script: string): Promise<string> {
  const path = join(fleet.folder, 'tar-wrapper');
  const isSource = `case " $* " in *" --directory=${fleet.folder} "*) ${script};; esac`;
  await writeFile(path, `#!/bin/sh\n${isSource}\nexec tar "$@"\n`, { mode: 0o755 });
  return path;
}

/** A run that holds while the service is stopped. */
async function startAndHold(fleet: Fleet, systemctl: FakeSystemctl) {
  const marker = join(fleet.folder, 'held');
  await rm(marker, { force: true });
  await fleet.writeClientConfig({ tools: { tar_cmd: await tarThat(fleet, `touch ${marker}; exec sleep 60`) } });
  await systemctl.set({ 'web.service': 'active' });
  await writeFile(join(fleet.folder, 'page'), `hello at ${Date.now()}`); // what has not changed needs no tar
  const run = startProgram(fleet, 'local-backup', 'client');
  await waitFor(() =>
    access(marker).then(
      () => true,
      () => false,
    ),
  );
  assert.deepEqual(await systemctl.calls(), ['stop web.service']);
  return run;
}

async function killWhileStopped(fleet: Fleet, systemctl: FakeSystemctl): Promise<void> {
  const run = await startAndHold(fleet, systemctl);
  run.kill('SIGKILL');
  await run.ended;
}
