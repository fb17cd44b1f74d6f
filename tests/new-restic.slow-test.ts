import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { storageRoot } from './rig/storage-servers.ts';

/** restic's failures have exit codes of their own since 0.17, and it waits for locks since 0.16: other paths of ours. */
it('the whole job and its failures are the same with the restic of Debian 13', async (test) => {
  const fleet = await startFleet();
  try {
    const restic = await newRestic(fleet).catch((error: unknown) => String(error));
    if (!restic.startsWith('/')) return test.skip(`a Debian 13 cannot be made here: ${restic}`);
    const configure = (more: object = {}) =>
      fleet.writeServerConfig({
        restic: { restic_cmd: restic, retry_lock: '1s', maintenance: { forget_policy: { last: 1 } }, ...more },
      });
    await mkdir(join(fleet.folder, 'source'));
    await fleet.writeService('other', 'small', { files: { paths: [join(fleet.folder, 'source')] } });
    await configure();
    assert.match((await fleet.backupServer('run')).stdout, /there is no repository/);
    assert.equal((await fleet.backupServer('init')).exitCode, 0);
    for (const content of ['first', 'second']) {
      await writeFile(join(fleet.folder, 'source/file'), content);
      await nextSecond();
      assert.equal((await fleet.localBackup('run')).exitCode, 0);
      const run = await fleet.backupServer('run');
      assert.match(run.stdout, /^ok +web /m, run.stdout);
    }
    assert.match((await fleet.backupServer('run')).stdout, /^skipped +web /m);
    const upkeep = await fleet.resticMaintenance('run');
    assert.equal(upkeep.exitCode, 0, upkeep.stdout);
    assert.match(upkeep.stdout, /snapshots 1, forgotten 1/);
    assert.equal((await fleet.backupServer('status')).exitCode, 0);
    const target = join(fleet.folder, 'restored');
    assert.equal((await fleet.backupServer('restore', 'web', '--path', 'other/small', '--to', target)).exitCode, 0);
    const wrong = join(fleet.folder, 'server/wrong');
    await writeFile(wrong, 'wrong\n', { mode: 0o600 });
    await configure({ password_file: wrong });
    assert.match((await fleet.backupServer('run')).stdout, /the password is wrong/);
  } finally {
    await fleet.stop();
  }
});

async function newRestic(fleet: Fleet): Promise<string> {
  const root = join(fleet.folder, 'debian13');
  await storageRoot(root);
  const path = join(fleet.folder, 'restic-of-debian-13');
  await copyFile(join(root, 'usr/bin/restic'), path);
  const { stdout } = await execaRunner().run({ file: path, args: ['version'] });
  assert.match(stdout, /^restic 0\.(1[7-9]|[2-9]\d)/);
  return path;
}

/** Archives are named by the second. */
async function nextSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
}
