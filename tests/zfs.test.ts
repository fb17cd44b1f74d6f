import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { collectorContract, interventionContract } from '#common/testing/collector-contract.ts';
import { zfsCollector } from '#plugins/zfs/zfs-collector.ts';
import type { ZfsOptions } from '#plugins/zfs/zfs-schema.ts';
import { readFromSnapshot } from './rig/snapshot-service.ts';
import {
  contents,
  copyOf,
  folderOf,
  newDataset,
  newDatasetAt,
  onWhat,
  optionsOf,
  taskIn,
  zfs,
} from './rig/zfs-task.ts';

describe(onWhat, () => {
  const root = `${zfs.pool}/contract`;
  collectorContract(zfsCollector, {
    good: {
      async options() {
        if (!existsSync(folderOf(root))) {
          await newDatasetAt(root);
          await newDatasetAt(`${root}/logs`);
          await newDatasetAt(`${root}/cache`);
        }
        return { dataset: root, recursive: true, exclude: [`${root}/cache`] };
      },
      holds: [
        `zfs/${root}@properties`,
        `zfs/${root}@files/`,
        `zfs/${root}@files/cache/`,
        `zfs/${root}@files/logs/`,
        `zfs/${root}@files/page`,
        `zfs/${root}/logs@properties`,
        `zfs/${root}/logs@files/`,
        `zfs/${root}/logs@files/page`,
      ],
    },
    failing: { options: async () => ({ dataset: `${zfs.pool}/gone` }) },
  });

  interventionContract(zfsCollector, 'snapshot', {
    options: async () => {
      const dataset = await newDataset();
      await newDatasetAt(`${dataset}/below`);
      return { dataset, recursive: true };
    },
    world: zfs.left,
  });

  describe('the files of a dataset', () => {
    test('are those of the moment of the snapshot', async (context) => {
      const dataset = await newDataset();
      const task = await taskIn(context);
      await task.collect({ dataset }, async () => writeFile(join(folderOf(dataset), 'late'), ''));
      assert.deepEqual(contents(task.archive, `zfs/${dataset}@files/`), {
        page: `of ${dataset.slice(zfs.pool.length)}`,
      });
    });

    for (const [title, options] of [
      ['is mounted by other means', ['-o', 'mountpoint=legacy']],
      ['is not mounted', ['-o', 'canmount=noauto']],
      ['has no place', ['-o', 'mountpoint=none']],
    ] as const) {
      test(`of one that ${title} are read from a mount of the task's own, which is gone afterwards`, async (context) => {
        const from = await newDataset();
        const dataset = await copyOf(from, ...options);
        const task = await taskIn(context);
        await task.collect({ dataset });
        assert.deepEqual(contents(task.archive, `zfs/${dataset}@files/`), {
          page: `of ${from.slice(zfs.pool.length)}`,
        });
        assert.deepEqual(await readdir(task.given.workFolder), []);
      });
    }

    test('come with the properties that a new dataset needs', async (context) => {
      const dataset = await newDataset('-o', 'compression=lz4', '-o', 'quota=100M');
      const task = await taskIn(context);
      await task.collect({ dataset });
      const properties = task.archive.entries.get(`zfs/${dataset}@properties`)?.toString().split('\n').sort();
      assert.deepEqual(properties, ['', 'compression\tlz4', `quota\t${zfs.isReal ? 100 * 1024 ** 2 : '100M'}`]);
    });
  });

  readFromSnapshot('a service whose data lies on ZFS', async () => {
    const dataset = await newDataset();
    return {
      key: 'zfs',
      options: { dataset },
      data: folderOf(dataset),
      place: `zfs/${dataset}@files`,
      snapshots: async () => (await zfs.left()).filter((name) => name.startsWith(dataset)),
    };
  });

  test('the audit knows every dataset but those that only hold others, and what a task saves of them', async (context) => {
    const task = await taskIn(context);
    const dataset = await newDataset();
    const below = await newDatasetAt(`${dataset}/below`);
    await zfs.zfs('create', '-o', 'canmount=off', `${dataset}/group`);
    const found = (await zfsCollector.findAssets?.(task.given))?.filter(({ name }) => name.startsWith(dataset));
    assert.deepEqual(found, [
      { kind: 'ZFS dataset', name: dataset, path: folderOf(dataset) },
      { kind: 'ZFS dataset', name: below, path: folderOf(below) },
    ]);
    const asset = (name: string) => ({ kind: 'ZFS dataset', name });
    const coverage = async (options: Partial<ZfsOptions>) => zfsCollector.coverage?.(optionsOf(options), task.given);
    assert.deepEqual(await coverage({ dataset }), { assets: [asset(dataset)], paths: [] });
    assert.deepEqual(await coverage({ dataset, recursive: true, exclude: [`${dataset}/group`] }), {
      assets: [asset(dataset), asset(below)],
      paths: [],
    });
    assert.deepEqual(await coverage({ dataset: below }), { assets: [asset(below)], paths: [folderOf(below)] });
    assert.deepEqual(await coverage({ dataset: below, stream: 'full' }), { assets: [asset(below)], paths: [] });
  });
});
