import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { collectorContext } from '#common/testing/collector-context.ts';
import { type MemoryArchive, memoryArchive } from '#common/testing/memory-archive.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { filesCollector } from '#plugins/files/files-collector.ts';
import type { FilesOptions } from '#plugins/files/files-schema.ts';
import { filesSnapshot } from '#plugins/files/files-snapshot.ts';
import { btrfsProblem, startBtrfs } from './rig/btrfs.ts';
import { readFromSnapshot } from './rig/snapshot-service.ts';
import { startZfs } from './rig/zfs.ts';

/** A file system on which volumes can be made. */
interface Machine {
  readonly mode: 'zfs' | 'btrfs';
  readonly folder: string;
  /** Makes a dataset or subvolume, seen at that path below `folder`. */
  makeVolume(path: string): Promise<void>;
  /** The names of our snapshots. */
  snapshots(): Promise<readonly string[]>;
}

const { PATH } = process.env;
const zfs = await startZfs();
process.env.PATH = `${zfs.bin}:${PATH}`;
after(async () => {
  process.env.PATH = PATH;
  await zfs.stop();
});
describe(zfs.isReal ? 'files on OpenZFS' : 'files on what stands for ZFS', () => {
  proveFilesOn({
    mode: 'zfs',
    folder: zfs.folder,
    makeVolume: async (path) => {
      await zfs.zfs('create', `${zfs.pool}/${path}`);
    },
    snapshots: zfs.left,
  });
});

const problem = await btrfsProblem();
if (problem !== undefined) test('files on btrfs', { skip: problem }, () => undefined);
else {
  const btrfs = await startBtrfs();
  after(() => btrfs.stop());
  describe('files on btrfs', () => {
    proveFilesOn({
      mode: 'btrfs',
      folder: btrfs.folder,
      makeVolume: async (path) => {
        await btrfs.run('btrfs', 'subvolume', 'create', join(btrfs.folder, path));
      },
      snapshots: async () => (await btrfs.subvolumes()).filter((path) => path.includes('backup-suite-')),
    });
  });
}

function proveFilesOn({ mode, folder, makeVolume, snapshots }: Machine): void {
  let made = 0;
  /** A volume with a file in a folder, and what is expected of it. */
  const newVolume = async (): Promise<string> => {
    made += 1;
    await makeVolume(`data${made}`);
    const path = join(folder, `data${made}`);
    await mkdir(join(path, 'www'));
    await writeFile(join(path, 'www/page'), 'hello');
    return path;
  };

  readFromSnapshot(`a service whose files lie on ${mode}`, async () => {
    const volume = await newVolume();
    return {
      key: 'files',
      options: { paths: [join(volume, 'www')], snapshot: mode },
      data: join(volume, 'www'),
      place: 'data/www',
      snapshots,
    };
  });

  for (const snapshot of [mode, 'auto'] as const) {
    test(`${snapshot}: several paths are read from one moment, and the live tree is let alone`, async (context) => {
      const [one, two] = [await newVolume(), await newVolume()];
      const task = await taskIn(context, { paths: [join(one, 'www'), { path: two, as: 'all' }], snapshot });
      await task.run(async () => {
        await writeFile(join(one, 'www/page'), 'changed');
        await writeFile(join(two, 'late'), '');
      });
      assert.equal(task.isComplete(), true);
      assert.deepEqual(task.files(), { 'data/all/www/page': 'hello', 'data/www/page': 'hello' });
      assert.deepEqual(task.warnings, []);
      assert.deepEqual(await snapshots(), []);
    });
  }

  test('a path is found through a link on the way to it', async (context) => {
    const volume = await newVolume();
    const link = join(await tempFolder(context), 'link');
    await symlink(volume, link);
    const task = await taskIn(context, { paths: [join(link, 'www')], snapshot: mode });
    await task.run(() => writeFile(join(volume, 'www/page'), 'changed'));
    assert.deepEqual(task.files(), { 'data/www/page': 'hello' });
  });

  test('auto reads what lies elsewhere as it is, while the service is stopped', async (context) => {
    const volume = await newVolume();
    const task = await taskIn(context, { paths: [join(volume, 'www'), '/proc/version'], snapshot: 'auto' });
    await task.run(() => writeFile(join(volume, 'www/page'), 'changed'));
    assert.equal(task.isComplete(), false);
    assert.deepEqual(Object.keys(task.files()), ['data/www/page', 'data/version']);
    assert.equal(task.files()['data/www/page'], 'hello');
  });

  test('a path that lies elsewhere is refused where a snapshot was asked for', async (context) => {
    const task = await taskIn(context, { paths: ['/proc/version'], snapshot: mode });
    await assert.rejects(task.check(), {
      name: 'BackupError',
      message: `files: no snapshot by ${mode} can be taken of /proc/version: it lies on proc, mounted at /proc`,
      hint: /snapshot: auto/,
    });
  });

  test('what no snapshot of a path holds is refused until it is excluded and listed by itself', async (context) => {
    const volume = await newVolume();
    const inner = join(volume, 'www/media');
    await makeVolume(`data${made}${mode === 'zfs' ? '/media' : '/www/media'}`);
    if (mode === 'zfs') await zfs.zfs('set', `mountpoint=${inner}`, `${zfs.pool}/data${made}/media`);
    await writeFile(join(inner, 'film'), 'long');
    const www = join(volume, 'www');
    await assert.rejects((await taskIn(context, { paths: [www], snapshot: mode })).check(), {
      name: 'BackupError',
      message: `files: no snapshot of ${www} holds ${inner}, which is a file system of its own`,
      hint: new RegExp(`^Add "/www/media" to exclude and list ${inner} by itself`),
    });
    const automatic = await taskIn(context, { paths: [www], snapshot: 'auto' });
    await automatic.run();
    assert.deepEqual(automatic.files(), { 'data/www/media/film': 'long', 'data/www/page': 'hello' });
    const apart = await taskIn(context, { paths: [www, inner], exclude: ['/www/media'], snapshot: mode });
    await apart.run();
    assert.deepEqual(apart.files(), { 'data/media/film': 'long', 'data/www/page': 'hello' });
  });

  test('what need not be there and is not is told, and the rest is complete', async (context) => {
    const volume = await newVolume();
    const gone = { path: join(volume, 'gone'), optional: true };
    const task = await taskIn(context, { paths: [join(volume, 'www'), gone], snapshot: mode });
    await task.run();
    assert.equal(task.isComplete(), true);
    assert.deepEqual(task.files(), { 'data/www/page': 'hello' });
    assert.deepEqual(task.warnings, [`files: ${volume}/gone is not there, and need not be`]);
  });

  test('the unit is asked for just what the file system needs', async () => {
    const volume = await newVolume();
    const lines = typeof filesCollector.unitLines === 'function' ? filesCollector.unitLines : () => [];
    const needed = (more: Partial<FilesOptions>) => lines(optionsOf({ paths: [volume], ...more }));
    assert.deepEqual(needed({}), []);
    assert.deepEqual(needed({ snapshot: 'auto', paths: ['/proc/version'] }), []);
    if (mode === 'btrfs') assert.ok(needed({ snapshot: 'auto' }).includes(`ReadWritePaths=${folder}`));
    if (zfs.isReal && mode === 'zfs') assert.ok(needed({ snapshot: 'auto' }).includes('PrivateDevices=no'));
  });
}

interface Task {
  readonly warnings: readonly string[];
  check(): Promise<void>;
  /** As a service runs it; `meanwhile` comes after the snapshot. */
  run(meanwhile?: () => Promise<void>): Promise<void>;
  isComplete(): boolean;
  /** The files of the archive. */
  files(): Record<string, string>;
}

function optionsOf(given: Partial<FilesOptions>): FilesOptions {
  return { paths: [], exclude: [], optional: false, snapshot: 'none', vanished: 'warn', ...given };
}

async function taskIn(test: TestContext, given: Partial<FilesOptions>): Promise<Task> {
  const context = collectorContext(await tempFolder(test), 'files');
  const archive: MemoryArchive = memoryArchive();
  const options = optionsOf(given);
  let isComplete = false;
  const check = async () => filesCollector.check?.(options, context);
  return {
    warnings: context.warnings,
    check,
    run: async (meanwhile) => {
      await check();
      const state = await filesSnapshot.plan(options, context);
      if (state !== undefined) await filesSnapshot.begin(state, context);
      try {
        await meanwhile?.();
        await filesCollector.collect(options, context, archive, state);
      } finally {
        if (state !== undefined) await filesSnapshot.end(state, context);
      }
      isComplete = state !== undefined && filesSnapshot.isComplete(state);
    },
    isComplete: () => isComplete,
    files: () => {
      const files = [...archive.entries].filter(([path]) => !path.endsWith('/'));
      return Object.fromEntries(files.map(([path, content]) => [path, content.toString()]));
    },
  };
}
