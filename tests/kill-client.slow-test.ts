import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startBtrfs } from './rig/btrfs.ts';
import { database, sql, startDatabaseProject } from './rig/database-project.ts';
import { startDocker } from './rig/docker.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { startLxc } from './rig/lxc.ts';

const kills = 50;
/** KILL_SEED=… repeats the moments of an earlier run. */
const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 32));

test('a client that is killed at any moment leaves nothing that recover does not put right', async (test) => {
  const docker = await startDocker();
  test.after(() => docker.stop());
  Object.assign(process.env, docker.env);
  const [shop, lxc, btrfs, fleet] = [
    await startDatabaseProject(docker, 'shop'),
    await startLxc(),
    await startBtrfs(),
    await startFleet(),
  ];
  for (const rig of [lxc, btrfs, fleet]) test.after(() => rig.stop());
  // What is to be running, and a volume that snapshots are taken of.
  await lxc.create('mail');
  await lxc.lxc('start', 'mail');
  const volume = join(btrfs.folder, 'data');
  await btrfs.run('btrfs', 'subvolume', 'create', volume);
  await writeFile(join(volume, 'page'), 'hello');
  await mkdir(join(shop.folder, 'uploads'));
  await fleet.writeService('docker', 'shop', {
    docker: { project_directory: shop.folder, volumes: ['data'] },
    postgresql: {
      container: { compose_file: join(shop.folder, 'compose.yaml'), service: 'db' },
      user: 'postgres',
      database: database.name,
    },
    files: { paths: [join(shop.folder, 'uploads')] },
  });
  await fleet.writeService('lxc', 'mail', { lxc: { container: 'mail', lxc_path: lxc.path, stop_timeout: '30s' } });
  await fleet.writeService('other', 'data', { btrfs: { subvolume: volume } });
  const state = async () => ({
    containers: await shop.states(),
    lxc: await lxc.state('mail'),
    subvolumes: await btrfs.subvolumes(),
    rows: await sql(shop, database.name, 'select count(*) from t'),
    leftovers: await leftoversOf(fleet),
  });
  const before = await state();

  const whole = await fleet.localBackup('run', '--verbose');
  assert.equal(whole.exitCode, 0, whole.stdout);
  assert.deepEqual(await state(), before);
  const lineCount = whole.stderr.split('\n').length;

  const random = randomNumbers(seed);
  for (let kill = 1; kill <= kills; kill += 1) {
    const [line, laterMs] = [Math.ceil(random() * lineCount), Math.round(random() * 200)];
    const last = await killRunAt(line, laterMs, fleet);
    const moment = `kill ${kill} of KILL_SEED=${seed}, ${laterMs} ms after line ${line} of ${lineCount}: ${last}`;
    const { exitCode, stdout, stderr } = await fleet.localBackup('recover');
    assert.equal(exitCode, 0, `${moment}: ${stdout}${stderr}`);
    assert.deepEqual(await state(), before, `${moment}: ${stdout}`);
    const undone = [...stdout.matchAll(/warning: (.*) after an interrupted run/g)].map(([, what]) => what);
    console.log(`${moment} → ${undone.join(', ') || 'nothing was stopped'}`);
  }
});

/**
 * Starts a run in a process group of its own and kills all of it, as the end of its unit does: some time after a line of
 * its log, if it has not ended by then. Gives what it logged last before that time.
 */
async function killRunAt(line: number, laterMs: number, { folder }: Fleet): Promise<string> {
  const args = ['dist/bin/local-backup', 'run', '--verbose', '--config-dir', join(folder, 'client')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  const reached = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (text) => lines.push(text) === line && resolve());
  });
  await Promise.race([reached, ended]);
  const { message, command = '' } = JSON.parse(lines.at(-1) ?? '{}');
  await Promise.race([setTimeout(laterMs), ended]);
  if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  await ended;
  return `${message} ${command}`.trim().slice(0, 80);
}

/** What a run makes for its own time only: lists of what is open, unfinished files, locks that somebody holds. */
async function leftoversOf({ folder }: Fleet): Promise<readonly string[]> {
  const isLeft = /\.partial$|\.lock(\.owner)?$|^client-state\/interventions\/.|^drop\/\.staging\/./;
  return (await readdir(folder, { recursive: true })).filter((name) => isLeft.test(name));
}

/** Mulberry32: the same numbers in [0, 1) for the same seed. */
function randomNumbers(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
