import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '#common/testing/temp-folder.ts';
import type { ClientConfig } from './config.ts';
import type { Service } from './discover.ts';
import { keptFolderOf, removeUnusedKept } from './drop-folder.ts';

test('what a task keeps from run to run goes when the task is not configured any more', async (t) => {
  const config = { baseBackupDir: await tempFolder(t) } as ClientConfig;
  const kept = keptFolderOf(config);
  for (const path of ['other/web/files', 'other/web/lxc', 'docker/gone/files']) {
    await mkdir(join(kept, path, 'deep'), { recursive: true });
  }
  const services = [{ type: 'other', name: 'web', tasks: [{ key: 'files' }] }] as unknown as readonly Service[];
  const removed = await removeUnusedKept(config, services);
  assert.deepEqual([...removed].sort(), [join(kept, 'docker/gone/files'), join(kept, 'other/web/lxc')]);
  assert.deepEqual(await readdir(join(kept, 'other/web')), ['files']);
  assert.deepEqual(await removeUnusedKept(config, services), []);
});
