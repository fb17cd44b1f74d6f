import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ChaosFleet, killingProgram, startChaosFleet } from './rig/chaos.ts';
import { mustRun } from './rig/random-trees.ts';
import { treeFacts } from './rig/tree-facts.ts';

describe('a server that is killed', () => {
  let chaos: ChaosFleet;
  before(async () => {
    chaos = await startChaosFleet();
  });
  after(() => chaos.fleet.stop());

  /** tar is called to gather the changes, for the changed folders, and for those that were only touched. */
  const points = [
    ['while it unpacks its first archive', 'tar', 1, 'after'],
    ['before it gathers changes', 'tar', 1, 'before'],
    ['when it has gathered them', 'tar', 1, 'after'],
    ['in the middle of changing the tree', 'tar', 2, 'before'],
    ['near the end of changing the tree', 'tar', 3, 'before'],
    ['when it has changed the tree', 'tar', 3, 'after'],
    ['before it stores the tree', 'restic', 2, 'before'],
    ['when it has stored the tree', 'restic', 2, 'after'],
  ] as const;
  for (const [what, program, call, when] of points) {
    it(`${what} stores the archive in the next run, and all of it`, async () => {
      const { fleet } = chaos;
      await chaos.deliverNext();
      const path = await killingProgram(fleet, program, call, when);
      await fleet.writeServerConfig(
        program === 'tar' ? { global: { tar_cmd: path } } : { restic: { restic_cmd: path } },
      );
      const killed = await fleet.backupServer('run');
      assert.equal(killed.signal, 'SIGKILL', killed.stdout);
      await fleet.writeServerConfig();
      await chaos.requireGoodRun();
    });
  }
});

describe('a disk that is full', () => {
  it('fails the run, leaves the tree as it was, and the next run stores the archive', async (test) => {
    const chaos = await startChaosFleet();
    const { fleet } = chaos;
    await mkdir(fleet.work, { mode: 0o700 });
    await mustRun('mount', '-t', 'tmpfs', '-o', 'size=330M,mode=0700', 'tmpfs', fleet.work);
    test.after(async () => {
      await mustRun('umount', fleet.work);
      await fleet.stop();
    });
    await chaos.deliverNext();
    await chaos.requireGoodRun();
    const before = await treeFacts(join(fleet.work, 'web/tree'));
    await chaos.deliverNext();
    const filler = join(fleet.work, 'filler');
    const tar = join(fleet.folder, 'tar-on-a-full-disk');
    await writeFile(tar, `#!/bin/sh\ndd if=/dev/zero of="${filler}" bs=1M 2>/dev/null\nexec tar "$@"\n`, {
      mode: 0o755,
    });
    await fleet.writeServerConfig({ global: { tar_cmd: tar } });
    const result = await fleet.backupServer('run');
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout, /cannot unpack into .*\/web\/changes: .*No space left on device/);
    assert.match(result.stdout, /Make room on the server/);
    assert.deepEqual(await treeFacts(join(fleet.work, 'web/tree')), before);
    assert.deepEqual((await readdir(join(fleet.work, 'web'))).sort(), ['tree', 'tree-index.gz']);
    await rm(filler);
    await fleet.writeServerConfig();
    await chaos.requireGoodRun();
  });
});
