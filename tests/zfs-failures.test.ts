import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { zfsCollector } from '#plugins/zfs/zfs-collector.ts';
import type { ZfsOptions } from '#plugins/zfs/zfs-schema.ts';
import { copyOf, lockedDataset, newDataset, onWhat, optionsOf, taskIn, withPath, zfs } from './rig/zfs-task.ts';

describe(onWhat, () => {
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
});
