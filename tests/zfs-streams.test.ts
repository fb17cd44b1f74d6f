import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ZfsOptions } from '#plugins/zfs/zfs-schema.ts';
import {
  folderOf,
  keyLocation,
  lockedDataset,
  newDataset,
  onWhat,
  pageIn,
  restore,
  taskIn,
  zfs,
} from './rig/zfs-task.ts';

describe(`a stream, ${onWhat}`, () => {
  for (const type of ['filesystem', 'volume'] as const) {
    test(`of a ${type} brings it back by "zfs receive" alone`, async (context) => {
      const dataset = await newDataset(...(type === 'volume' ? ['-V', '8M'] : []));
      const task = await taskIn(context);
      await task.collect({ dataset, stream: 'full' });
      const restored = await restore(task, [`zfs/${dataset}@full.zfs`]);
      assert.equal((await zfs.zfs('list', '-H', '-t', type, '-o', 'type', restored)).trim(), type);
      if (type === 'filesystem') assert.deepEqual(await pageIn(restored), await pageIn(dataset));
    });
  }

  const skip = zfs.isReal ? false : 'what stands for ZFS encrypts nothing';
  test('of an encrypted dataset is raw: sent without its key, and read again with it', { skip }, async (context) => {
    const dataset = await lockedDataset();
    const task = await taskIn(context);
    await task.collect({ dataset, stream: 'full' });
    assert.equal(task.archive.entries.get(`zfs/${dataset}@full.zfs`)?.includes('of /set'), false);
    const restored = await restore(task, [`zfs/${dataset}@full.zfs`]);
    await zfs.zfs('load-key', '-L', keyLocation, restored);
    await zfs.zfs('mount', restored);
    assert.equal(await pageIn(restored), `of ${dataset.slice(zfs.pool.length)}`);
  });

  test('that is incremental goes on from run to run, and all of it is in each archive', async (context) => {
    const dataset = await newDataset();
    const task = await taskIn(context);
    for (const [run, content] of ['first', 'second', 'third'].entries()) {
      await writeFile(join(folderOf(dataset), 'page'), content);
      await task.collect({ dataset, stream: 'incremental' }, undefined, run);
      const streams = [...task.archive.entries.keys()].filter((path) => path.endsWith('.zfs'));
      const types = streams.map((path) => path.replace(/.*\/\d{8}_\d{6}-/, ''));
      assert.deepEqual(types, ['full.zfs', ...Array(run).fill('incremental.zfs')]);
      const restored = await restore(task, streams);
      assert.equal(await pageIn(restored), content);
      assert.equal((await zfs.left()).filter((name) => name.startsWith(dataset)).length, 1); // the next one's base
    }
  });

  test('that is incremental begins anew when its base is gone, or it is old', async (context) => {
    const dataset = await newDataset();
    const task = await taskIn(context);
    const typesAfter = async (run: number, more: Partial<ZfsOptions> = {}) => {
      await task.collect({ dataset, stream: 'incremental', ...more }, undefined, run);
      return [...task.archive.entries.keys()].flatMap((path) => /(full|incremental)\.zfs$/.exec(path)?.[1] ?? []);
    };
    assert.deepEqual(await typesAfter(0), ['full']);
    for (const name of await zfs.left()) if (name.startsWith(`${dataset}#`)) await zfs.zfs('destroy', name);
    assert.deepEqual(await typesAfter(1), ['full']);
    assert.deepEqual(await typesAfter(2), ['full', 'incremental']);
    assert.deepEqual(await typesAfter(3, { full_every: '2s' }), ['full']);
  });

  const damages = [
    ['is cut off', 'zfs "$@" | head --bytes=2000', 'it is cut off'],
    ['is empty', ':', 'it is empty'],
    ['is damaged', 'zfs "$@" | sed "s/of /if /"', 'its checksums do not match'],
  ] as const;
  for (const [title, script, problem] of damages) {
    test(`that ${title} fails and leaves nothing, whatever the exit code`, async (context) => {
      const dataset = await newDataset();
      context.after(await zfs.wrap('send', script));
      for (const stream of ['full', 'incremental'] as const) {
        const task = await taskIn(context);
        const name = 'backup-suite-20260101_000000:test:service:zfs';
        await assert.rejects(task.collect({ dataset, stream }), {
          name: 'BackupError',
          message: `zfs: the stream of ${dataset}@${name} is not whole: ${problem}`,
          hint: `Try "zfs send ${dataset}@${name} | zstream dump" by hand; "zpool status" shows errors of the pool.`,
        });
        assert.deepEqual([...task.archive.entries.keys()], [`zfs/${dataset}@properties`]);
        const kept = await readdir(task.given.keptFolder, { recursive: true }).catch(() => []);
        assert.deepEqual(
          kept.filter((path) => path.includes('.zfs')),
          [],
        );
        for (const left of await zfs.left()) if (left.startsWith(dataset)) await zfs.zfs('destroy', left);
      }
    });
  }

  test('that zfs cannot send fails with what zfs says', async (context) => {
    const dataset = await newDataset();
    const task = await taskIn(context);
    context.after(
      await zfs.wrap('send', 'zfs "$@" | head --bytes=2000; echo "warning: cannot send: I/O error" >&2; exit 1'),
    );
    await assert.rejects(task.collect({ dataset, stream: 'full' }), {
      message: /^zfs: cannot send .*: warning: cannot send: I\/O error$/,
      hint: /zpool status/,
    });
  });

  test('that takes too long fails', async (context) => {
    const dataset = await newDataset();
    const task = await taskIn(context);
    context.after(await zfs.wrap('send', 'exec sleep 60'));
    await assert.rejects(task.collect({ dataset, stream: 'full', timeout: '1s' }), {
      message: /^zfs: cannot send .*: it took too long$/,
      hint: /longer timeout/,
    });
  });
});
