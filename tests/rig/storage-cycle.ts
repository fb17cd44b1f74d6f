import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from './fleet.ts';
import type { StorageServer } from './storage-servers.ts';

/** The whole job with its repository on a storage server: init, two runs, upkeep, restore, and a wrong credential. */
export async function provesStorage(
  fleet: Fleet,
  server: StorageServer,
  wrong: { readonly root?: string; readonly env?: string },
  keptSnapshots: 1 | 2 = 1,
): Promise<void> {
  const source = join(fleet.folder, 'source');
  await mkdir(source, { recursive: true });
  await writeFile(join(source, 'file'), 'first');
  await fleet.writeService('other', 'small', { files: { paths: [source] } });
  await configure(fleet, server, keptSnapshots);
  for (const content of ['first', 'second']) {
    await writeFile(join(source, 'file'), content);
    await nextSecond();
    const client = await fleet.localBackup('run');
    assert.equal(client.exitCode, 0, client.stdout + client.stderr);
    if (content === 'first') assert.equal((await fleet.backupServer('init')).exitCode, 0);
    const run = await fleet.backupServer('run');
    assert.equal(run.exitCode, 0, run.stdout + run.stderr);
    assert.doesNotMatch(run.stdout + run.stderr, /secret|SECRET/);
  }
  const upkeep = await fleet.resticMaintenance('run');
  assert.equal(upkeep.exitCode, 0, upkeep.stdout);
  assert.match(upkeep.stdout, new RegExp(`snapshots ${keptSnapshots}, forgotten ${2 - keptSnapshots}`));
  const target = join(fleet.folder, 'restored');
  assert.equal((await fleet.backupServer('restore', 'web', '--to', target)).exitCode, 0);
  assert.equal(await readFile(join(target, 'other/small/data/source/file'), 'utf8'), 'second');
  await configure(fleet, { ...server, ...wrong }, keptSnapshots);
  const status = await fleet.backupServer('status');
  assert.equal(status.exitCode, 1);
  assert.match(status.stdout, /web: .*the storage refuses access/);
}

async function configure(
  fleet: Fleet,
  { root, env }: Pick<StorageServer, 'root' | 'env'>,
  keptSnapshots: number,
): Promise<void> {
  const file = join(fleet.folder, 'server/storage-env');
  await writeFile(file, env, { mode: 0o600 });
  await fleet.writeServerConfig({
    restic: { repository_root: root, env_file: file, maintenance: { forget_policy: { last: keptSnapshots } } },
  });
}

/** Archives are named by the second. */
async function nextSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
}
