import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, describe, type TestContext as NodeTest, test } from 'node:test';
import { collectorContext, type TestContext as Given } from '#common/testing/collector-context.ts';
import { collectorContract, interventionContract } from '#common/testing/collector-contract.ts';
import { type MemoryArchive, memoryArchive } from '#common/testing/memory-archive.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { zfsCollector } from '#plugins/zfs/zfs-collector.ts';
import type { ZfsOptions } from '#plugins/zfs/zfs-schema.ts';
import { readFromSnapshot } from './rig/snapshot-service.ts';
import { startZfs } from './rig/zfs.ts';

const zfs = await startZfs();
const { PATH } = process.env;
process.env.PATH = `${zfs.bin}:${PATH}`;
after(async () => {
  process.env.PATH = PATH;
  await zfs.stop();
});

let made = 0;
/** A dataset of its own for a test, with a file in it. */
async function newDataset(...options: string[]): Promise<string> {
  made += 1;
  return newDatasetAt(`${zfs.pool}/set${made}`, ...options);
}

async function newDatasetAt(name: string, ...options: string[]): Promise<string> {
  await zfs.zfs('create', ...options, name);
  if (existsSync(folderOf(name))) await writeFile(join(folderOf(name), 'page'), `of ${name.slice(zfs.pool.length)}`);
  return name;
}

function folderOf(dataset: string): string {
  return join(zfs.folder, dataset.slice(zfs.pool.length));
}

describe(zfs.isReal ? 'on OpenZFS' : 'on what stands for ZFS, since its module is not loaded here', () => {
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

  describe('a stream', () => {
    for (const type of ['filesystem', 'volume'] as const) {
      test(`of a ${type} brings it back by "zfs receive" alone`, async (context) => {
        const dataset = await newDataset(...(type === 'volume' ? ['-V', '8M'] : []));
        const task = await taskIn(context);
        await task.collect({ dataset, stream: 'full' });
        const [restored] = await restore(task, [`zfs/${dataset}@full.zfs`]);
        assert.equal((await zfs.zfs('list', '-H', '-t', type, '-o', 'type', restored ?? '')).trim(), type);
        if (type === 'filesystem') assert.deepEqual(await pageIn(restored), await pageIn(dataset));
      });
    }

    test('that is incremental goes on from run to run, and all of it is in each archive', async (context) => {
      const dataset = await newDataset();
      const task = await taskIn(context);
      for (const [run, content] of ['first', 'second', 'third'].entries()) {
        await writeFile(join(folderOf(dataset), 'page'), content);
        await task.collect({ dataset, stream: 'incremental' }, undefined, run);
        const streams = [...task.archive.entries.keys()].filter((path) => path.endsWith('.zfs'));
        const types = streams.map((path) => path.replace(/.*\/\d{8}_\d{6}-/, ''));
        assert.deepEqual(types, ['full.zfs', ...Array(run).fill('incremental.zfs')]);
        const [restored] = await restore(task, streams);
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

  describe('before anything is touched', () => {
    const refused = (
      title: string,
      options: () => Promise<Partial<ZfsOptions>>,
      message: RegExp,
      hint: RegExp,
    ): void => {
      test(title, async (context) => {
        const task = await taskIn(context);
        await assert.rejects(task.check(await options()), { name: 'BackupError', message, hint });
      });
    };
    refused(
      'a dataset that is not there is refused',
      async () => ({ dataset: `${zfs.pool}/gone` }),
      /^zfs: cannot look at test\d+\/gone: cannot open 'test\d+\/gone': dataset does not exist$/,
      /zfs list/,
    );
    refused(
      'a volume is refused where files are to be read',
      async () => ({ dataset: await newDataset('-V', '8M') }),
      /^zfs: test\d+\/set\d+ is a volume, which has no files to read$/,
      /^To save it, set stream: full\.$/,
    );
    refused(
      'a volume below is refused until it is excluded',
      async () => {
        const dataset = await newDataset();
        await zfs.zfs('create', '-V', '8M', `${dataset}/disk`);
        return { dataset, recursive: true };
      },
      /^zfs: test\d+\/set\d+\/disk is a volume/,
      /^To save it, add test\d+\/set\d+\/disk to exclude, or set stream: full\.$/,
    );
    refused(
      'an encrypted dataset whose key is not loaded is refused',
      async () => ({ dataset: await lockedDataset() }),
      /^zfs: the key of test\d+\/set\d+ is not loaded, so its files cannot be read$/,
      /zfs load-key/,
    );
    refused(
      'something to exclude that is elsewhere is refused',
      async () => ({ dataset: await newDataset(), exclude: ['other/data'] }),
      /^zfs: other\/data, which exclude names, is not below test\d+\/set\d+$/,
      /whole names/,
    );

    const broken = [
      [
        'no module',
        '/dev/zfs and /proc/self/mounts are required.',
        /^zfs: cannot look at .*: \/dev\/zfs and \/proc\/self\/mounts are required\.$/,
        /modprobe zfs.*the drop-in/,
      ],
      ['no rights', 'Permission denied', /^zfs: cannot look at .*: Permission denied$/, /needs root.*the drop-in/],
    ] as const;
    for (const [title, said, message, hint] of broken) {
      test(`${title} is told with what to do, and the audit finds nothing`, async (context) => {
        const task = await taskIn(context);
        context.after(await zfs.wrap('list', `echo "${said}" >&2; exit 1`));
        await assert.rejects(task.check({ dataset: zfs.pool }), { message, hint });
        assert.deepEqual(await zfsCollector.findAssets?.(task.given), []);
      });
    }

    test('without the program it says what to install, and the audit finds nothing', async (context) => {
      const task = await taskIn(context);
      withPath(context, '/nonexistent');
      await assert.rejects(task.check({ dataset: zfs.pool }), {
        message: 'zfs: there is no program zfs',
        hint: 'Install zfsutils-linux 2.0 or newer.',
      });
      assert.deepEqual(await zfsCollector.findAssets?.(task.given), []);
    });

    test('one that is too old for streams is refused', async (context) => {
      const task = await taskIn(context);
      const bin = join(task.given.workFolder, 'bin');
      await mkdir(bin);
      await writeFile(join(bin, 'zfs'), `#!/bin/sh\nPATH='${process.env.PATH}'\nexec zfs "$@"\n`, { mode: 0o755 });
      withPath(context, bin);
      await assert.rejects(task.check({ dataset: zfs.pool, stream: 'full' }), {
        message: 'zfs: there is no program zstream, which checks streams',
        hint: 'It comes with zfsutils-linux 2.0; what is installed here is older.',
      });
    });
  });

  describe('the snapshot', () => {
    test('whose name is taken is not made, and the other one stays', async (context) => {
      const dataset = await newDataset();
      const task = await taskIn(context);
      const other = `${dataset}@backup-suite-20260101_000000:test:service:zfs`;
      await zfs.zfs('snapshot', other);
      await assert.rejects(task.collect({ dataset }), {
        message: /^zfs: cannot take a snapshot of .*: cannot create snapshot '.*': dataset already exists/,
        hint: /zfs destroy/,
      });
      assert.ok((await zfs.left()).includes(other));
    });

    test('that cannot be made for lack of rights says so', async (context) => {
      const dataset = await newDataset();
      const task = await taskIn(context);
      context.after(await zfs.wrap('snapshot', 'echo "cannot create snapshots : permission denied" >&2; exit 1'));
      await assert.rejects(task.collect({ dataset }), {
        message: /^zfs: cannot take a snapshot of .*: cannot create snapshots : permission denied$/,
        hint: /the drop-in/,
      });
    });

    test('that is held cannot be removed, which is told', async (context) => {
      const dataset = await newDataset();
      const task = await taskIn(context);
      const state = await task.begin({ dataset });
      await zfs.zfs('hold', 'keep', `${dataset}@${state.name}`);
      await assert.rejects(async () => zfsCollector.snapshot?.end(state, task.given), {
        message: /^zfs: cannot remove the snapshot .*: cannot destroy snapshot .*: it's being held/,
        hint: /zfs holds/,
      });
      await zfs.zfs('release', 'keep', `${dataset}@${state.name}`);
      await zfsCollector.snapshot?.end(state, task.given);
    });

    test('that is still mounted by an interrupted run is unmounted and removed', async (context) => {
      const dataset = await copyOf(await newDataset(), '-o', 'mountpoint=none');
      const task = await taskIn(context);
      const state = await task.begin({ dataset });
      const folder = join(task.given.workFolder, 'left');
      await mkdir(folder);
      await task.given.runner.run({
        file: 'mount',
        args: ['-t', 'zfs', '-o', 'ro', `${dataset}@${state.name}`, folder],
      });
      assert.deepEqual(await readdir(folder), ['page']);
      await zfsCollector.snapshot?.end(state, task.given);
      assert.deepEqual(await readdir(folder), []);
    });

    test('of an interrupted run goes when the next one begins; those of others stay', async (context) => {
      const dataset = await newDataset();
      const task = await taskIn(context);
      const names = ['zfs', 'files'].map((key) => `${dataset}@backup-suite-20250101_000000:test:service:${key}`);
      for (const [index, key] of ['zfs', 'files'].entries()) {
        await zfs.zfs('snapshot', '-o', `backup-suite:task=test/service/${key}`, names[index] ?? '');
      }
      await zfs.zfs('snapshot', `${dataset}@daily`);
      await task.collect({ dataset });
      assert.deepEqual(task.given.warnings, [`zfs: removed ${names[0]}, which an interrupted run had left`]);
      const left = (await zfs.left()).filter((name) => name.startsWith(dataset));
      assert.deepEqual(left, [names[1], `${dataset}@daily`]);
    });

    test('that somebody removes under us is told', async (context) => {
      const dataset = await newDataset();
      const task = await taskIn(context);
      const state = await task.begin({ dataset });
      await zfs.zfs('destroy', `${dataset}@${state.name}`);
      await assert.rejects(zfsCollector.collect(optionsOf({ dataset }), task.given, task.archive, state), {
        message: `zfs: the snapshot ${dataset}@${state.name} is gone`,
        hint: /backup-suite-/,
      });
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

function optionsOf(given: Partial<ZfsOptions>): ZfsOptions {
  return { dataset: '', recursive: false, exclude: [], full_every: '30d', timeout: '1m', ...given };
}

interface Task {
  readonly given: Given;
  /** What the last run collected. */
  readonly archive: MemoryArchive;
  check(options: Partial<ZfsOptions>): Promise<void>;
  begin(options: Partial<ZfsOptions>): Promise<NonNullable<Awaited<ReturnType<typeof planned>>>>;
  /** As a service runs it, at the second `run` of the year. */
  collect(options: Partial<ZfsOptions>, meanwhile?: () => Promise<void>, run?: number): Promise<void>;
}

async function planned(options: Partial<ZfsOptions>, context: Given) {
  return zfsCollector.snapshot?.plan(optionsOf(options), context);
}

async function taskIn(context: NodeTest): Promise<Task> {
  const folder = await tempFolder(context);
  await mkdir(join(folder, 'work'));
  const base = { ...collectorContext(join(folder, 'work'), 'zfs'), keptFolder: join(folder, 'kept') };
  let archive = memoryArchive();
  const at = (run: number): Given => ({ ...base, now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, run)) });
  const begin = async (options: Partial<ZfsOptions>, given: Given) => {
    const state = await planned(options, given);
    assert.ok(state !== undefined);
    await zfsCollector.snapshot?.begin(state, given);
    return state;
  };
  return {
    given: at(0),
    get archive() {
      return archive;
    },
    check: async (options) => zfsCollector.check?.(optionsOf(options), at(0)),
    begin: (options) => begin(options, at(0)),
    collect: async (options, meanwhile, run = 0) => {
      archive = memoryArchive();
      await zfsCollector.check?.(optionsOf(options), at(run));
      const state = await begin(options, at(run));
      try {
        await meanwhile?.();
        await zfsCollector.collect(optionsOf(options), at(run), archive, state);
      } finally {
        await zfsCollector.snapshot?.end(state, at(run));
      }
    },
  };
}

function contents({ entries }: MemoryArchive, place: string): Record<string, string> {
  const below = [...entries].filter(([path]) => path.startsWith(place) && path !== place);
  return Object.fromEntries(below.map(([path, content]) => [path.slice(place.length), content.toString()]));
}

/** Receives the streams into a new dataset, by hand. */
async function restore({ archive, given }: Task, paths: readonly string[]): Promise<string[]> {
  made += 1;
  const dataset = `${zfs.pool}/restored${made}`;
  for (const path of paths) {
    const file = join(given.workFolder, 'stream');
    await writeFile(file, archive.entries.get(path) ?? '');
    await zfs.receive(file, dataset);
    await rm(file);
  }
  if (zfs.isReal && !existsSync(folderOf(dataset))) await zfs.zfs('mount', dataset).catch(() => '');
  return [dataset];
}

async function pageIn(dataset = ''): Promise<string> {
  return readFile(join(folderOf(dataset), 'page'), 'utf8');
}

/** A dataset with the content of another one that is not to be mounted. */
async function copyOf(dataset: string, ...options: string[]): Promise<string> {
  made += 1;
  const copy = `${zfs.pool}/copy${made}`;
  await zfs.zfs('create', copy);
  await writeFile(join(folderOf(copy), 'page'), await pageIn(dataset));
  for (const option of options.filter((word) => word !== '-o')) await zfs.zfs('set', option, copy);
  if (zfs.isReal && options.includes('canmount=noauto')) await zfs.zfs('unmount', copy);
  return copy;
}

async function lockedDataset(): Promise<string> {
  const key = join(dirname(zfs.bin), 'key');
  await writeFile(key, Buffer.alloc(32, 7));
  const dataset = await newDataset('-o', 'encryption=on', '-o', 'keyformat=raw', '-o', `keylocation=file://${key}`);
  if (zfs.isReal) await zfs.zfs('unmount', dataset);
  await zfs.zfs('unload-key', dataset);
  return dataset;
}

function withPath(context: NodeTest, path: string): void {
  const before = process.env.PATH;
  process.env.PATH = path;
  context.after(() => {
    process.env.PATH = before;
  });
}
