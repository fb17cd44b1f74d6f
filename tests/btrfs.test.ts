import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContext } from '#common/testing/collector-context.ts';
import { collectorContract, interventionContract } from '#common/testing/collector-contract.ts';
import { memoryArchive } from '#common/testing/memory-archive.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { btrfsCollector } from '#plugins/btrfs/btrfs-collector.ts';
import type { BtrfsOptions } from '#plugins/btrfs/btrfs-schema.ts';
import { btrfsProblem, startBtrfs, type TestBtrfs } from './rig/btrfs.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { sandboxed, sandboxProblem } from './rig/sandbox.ts';
import { readFromSnapshot } from './rig/snapshot-service.ts';

const problem = await btrfsProblem();
const noSandbox = (await sandboxProblem()) ?? false;
if (problem !== undefined) test('the collector btrfs on a real btrfs', { skip: problem }, () => undefined);
else await provenOn(await startBtrfs());

async function provenOn(btrfs: TestBtrfs): Promise<void> {
  after(() => btrfs.stop());
  let made = 0;
  /** A subvolume with a file in it. */
  const subvolume = async (...names: string[]): Promise<string> => {
    made += 1;
    const path = join(btrfs.folder, ...(names.length > 0 ? names : [`volume-${made}`]));
    await btrfs.run('btrfs', 'subvolume', 'create', path);
    await writeFile(join(path, 'page'), 'hello');
    return path;
  };

  collectorContract(btrfsCollector, {
    good: {
      async options() {
        await rm(join(btrfs.folder, 'contract'), { recursive: true, force: true });
        await mkdir(join(btrfs.folder, 'contract'));
        const path = await subvolume('contract', 'data');
        await subvolume('contract', 'data', 'logs');
        await subvolume('contract', 'data', 'cache');
        return { subvolume: path, recursive: true, exclude: [join(path, 'cache')] };
      },
      holds: [
        'btrfs/data/',
        'btrfs/data/cache/',
        'btrfs/data/logs/',
        'btrfs/data/page',
        'btrfs/data+logs/',
        'btrfs/data+logs/page',
      ],
    },
    failing: { options: async (folder) => ({ subvolume: folder }) },
  });

  interventionContract(btrfsCollector, 'snapshot', {
    options: async () => ({ subvolume: await subvolume() }),
    world: btrfs.subvolumes,
  });

  describe('btrfs', () => {
    const contextIn = async (context: { after(fn: () => Promise<void>): void }) =>
      collectorContext(await tempFolder(context), 'btrfs');
    const refused = (title: string, options: () => Promise<BtrfsOptions>, message: RegExp, hint: RegExp): void => {
      test(title, async (context) => {
        const given = await contextIn(context);
        await assert.rejects(async () => btrfsCollector.check?.(await options(), given), {
          name: 'BackupError',
          message,
          hint,
        });
      });
    };

    refused(
      'a path that is not there is refused',
      async () => optionsOf(join(btrfs.folder, 'gone')),
      /^btrfs: there is no \/.*\/gone$/,
      /mount the file system/,
    );
    refused(
      'a folder that is no subvolume is refused',
      async () => {
        await mkdir(join(btrfs.folder, 'folder'));
        return optionsOf(join(btrfs.folder, 'folder'));
      },
      /^btrfs: cannot look at the subvolume \/.*\/folder: ERROR: Not a Btrfs subvolume: Invalid argument$/,
      /subvolume list/,
    );
    refused(
      'another file system is refused',
      async () => optionsOf('/proc'),
      /^btrfs: cannot look at the subvolume \/proc: ERROR: Not a Btrfs filesystem/,
      /path of a btrfs subvolume/,
    );
    refused(
      'something to exclude that is elsewhere is refused',
      async () => optionsOf(await subvolume(), { exclude: ['/srv/x'] }),
      /^btrfs: \/srv\/x, which exclude names, is not below \/.*\/volume-\d+$/,
      /subvolume list/,
    );
    refused(
      'two subvolumes that would lie over each other are refused',
      async () => {
        const path = await subvolume();
        await mkdir(join(path, 'a'));
        for (const name of ['a/b', 'a+b']) await btrfs.run('btrfs', 'subvolume', 'create', join(path, name));
        return optionsOf(path, { recursive: true });
      },
      /^btrfs: two subvolumes would be btrfs\/volume-\d+\+a\+b in the archive$/,
      /Exclude one/,
    );

    test('without btrfs-progs it says what to install', async (context) => {
      const path = await subvolume();
      const given = await contextIn(context);
      const { PATH } = process.env;
      process.env.PATH = '/nonexistent';
      context.after(() => {
        process.env.PATH = PATH;
      });
      await assert.rejects(async () => btrfsCollector.check?.(optionsOf(path), given), {
        message: 'btrfs: there is no program btrfs',
        hint: 'Install btrfs-progs.',
      });
      assert.deepEqual(await btrfsCollector.findAssets?.(given), []);
    });

    test('subvolumes below are named where they are not saved', async (context) => {
      const path = await subvolume();
      await btrfs.run('btrfs', 'subvolume', 'create', join(path, 'nested'));
      await btrfs.run('btrfs', 'subvolume', 'create', join(path, 'known'));
      const given = await contextIn(context);
      const archive = memoryArchive();
      await collect(optionsOf(path, { exclude: [join(path, 'known')] }), given, archive);
      assert.deepEqual(given.warnings, [`btrfs: subvolumes of their own, and not saved: ${path}/nested`]);
    });

    test('the archive has the moment of the snapshot, and nothing that came later', async (context) => {
      const path = await subvolume();
      const given = await contextIn(context);
      const archive = memoryArchive();
      await collect(optionsOf(path), given, archive, async () => {
        await writeFile(join(path, 'page'), 'changed');
        await writeFile(join(path, 'late'), '');
      });
      assert.deepEqual(
        [...archive.entries].map(([name, content]) => [name, content.toString()]),
        [
          [`btrfs/${path.split('/').at(-1)}/`, ''],
          [`btrfs/${path.split('/').at(-1)}/page`, 'hello'],
        ],
      );
    });

    test('a subvolume that is mounted by itself has its snapshot in it, which is not saved', async (context) => {
      const path = await subvolume();
      const mounted = await tempFolder(context);
      const device = (
        await btrfs.run('findmnt', '--noheadings', '--nofsroot', '--output', 'SOURCE', btrfs.folder)
      ).trim();
      await btrfs.run('mount', '-o', `subvol=${path.split('/').at(-1)}`, device, mounted);
      try {
        const archive = memoryArchive();
        const given = await contextIn(context);
        await collect(optionsOf(mounted), given, archive, async () => {
          assert.equal((await readdir(join(mounted, '.backup-suite-snapshots'))).length, 1);
        });
        const name = mounted.split('/').at(-1);
        assert.deepEqual([...archive.entries.keys()], [`btrfs/${name}/`, `btrfs/${name}/page`]);
        assert.deepEqual(await readdir(mounted), ['page']);
      } finally {
        await btrfs.run('umount', mounted);
      }
    });

    test('what an interrupted run has left is removed by the next one, and told', async (context) => {
      const path = await subvolume();
      const given = await contextIn(context);
      const folder = join(btrfs.folder, '.backup-suite-snapshots');
      await mkdir(folder, { mode: 0o700 });
      const [own, other] = ['btrfs', 'files'].map((key) =>
        join(folder, `backup-suite-20250101_000000:test:service:${key}.0`),
      );
      for (const left of [own, other]) await btrfs.run('btrfs', 'subvolume', 'snapshot', '-r', path, left ?? '');
      await collect(optionsOf(path), given, memoryArchive());
      assert.deepEqual(given.warnings, [`btrfs: removed ${own}, which an interrupted run had left`]);
      assert.deepEqual(await readdir(folder), [other?.split('/').at(-1)]);
      await btrfs.run('btrfs', 'subvolume', 'delete', other ?? '');
      await rm(folder, { recursive: true });
    });

    test('a folder for snapshots that others may enter is refused', async (context) => {
      const path = await subvolume();
      const given = await contextIn(context);
      const folder = join(btrfs.folder, '.backup-suite-snapshots');
      await mkdir(folder);
      await chmod(folder, 0o755);
      await assert.rejects(collect(optionsOf(path), given, memoryArchive()), {
        message: `btrfs: ${folder} is not root's alone`,
        hint: /mode 0700/,
      });
      await rm(folder, { recursive: true, force: true });
    });

    test('a name that is taken is told and left as it is', async (context) => {
      const path = await subvolume();
      const given = await contextIn(context);
      const state = await btrfsCollector.snapshot?.plan(optionsOf(path), given);
      assert.ok(state !== undefined);
      await btrfsCollector.snapshot?.begin(state, given);
      const [first] = state.snapshots;
      const twice = { ...state, snapshots: [first, first].flatMap((each) => each ?? []) };
      await btrfsCollector.snapshot?.end(state, given);
      await assert.rejects(async () => btrfsCollector.snapshot?.begin(twice, given), {
        message: `btrfs: ${first?.path} is there already`,
        hint: /subvolume delete/,
      });
      await btrfsCollector.snapshot?.end(state, given);
    });

    test('the audit finds every subvolume but read-only ones, and a task covers its own', async (context) => {
      const path = await subvolume();
      const [nested, moment] = [join(path, 'nested'), join(path, 'moment')];
      await btrfs.run('btrfs', 'subvolume', 'create', nested);
      await btrfs.run('btrfs', 'subvolume', 'snapshot', '-r', path, moment);
      const given = await contextIn(context);
      const names = (await btrfsCollector.findAssets?.(given))?.map(({ name }) => name) ?? [];
      assert.deepEqual(
        [btrfs.folder, path, nested, moment].map((name) => names.includes(name)),
        [true, true, true, false],
      );
      const asset = (name: string) => ({ kind: 'btrfs subvolume', name });
      assert.deepEqual(await btrfsCollector.coverage?.(optionsOf(path), given), { assets: [asset(path)], paths: [] });
      assert.deepEqual(await btrfsCollector.coverage?.(optionsOf(nested), given), {
        assets: [asset(nested)],
        paths: [nested],
      });
    });
  });

  readFromSnapshot('a service whose data lies on btrfs', async () => {
    const data = await subvolume('shop');
    return {
      key: 'btrfs',
      options: { subvolume: data },
      data,
      place: 'btrfs/shop',
      snapshots: async () => (await btrfs.subvolumes()).filter((path) => path.includes('backup-suite')),
    };
  });

  describe('a run on btrfs', () => {
    let fleet: Fleet;
    let data: string;
    before(async () => {
      fleet = await startFleet();
      await mkdir(join(btrfs.folder, 'services'));
      data = await subvolume('services', 'wiki');
      await fleet.writeService('other', 'wiki', { btrfs: { subvolume: data } });
    });
    after(() => fleet.stop());

    test('does not read again what has not changed, though each snapshot is another device', async () => {
      await seconds(2); // what has just been changed is not trusted
      assert.equal((await fleet.localBackup('run')).exitCode, 0);
      await seconds(1); // archives are named by the second
      const tar = join(fleet.folder, 'tar-wrapper');
      const script = 'case " $* " in *snapshots*) tee "$0.names" | tar "$@"; exit;; esac';
      await writeFile(tar, `#!/bin/sh\n${script}\nexec tar "$@"\n`, { mode: 0o755 });
      await fleet.writeClientConfig({ tools: { tar_cmd: tar } });
      const result = await fleet.localBackup('run');
      assert.equal(result.exitCode, 0, result.stdout + result.stderr);
      assert.equal(existsSync(`${tar}.names`), false, 'tar was started');
      await fleet.writeClientConfig();
    });

    test('needs of its unit what check says, and no more', { skip: noSandbox }, async () => {
      const unit = readFileSync('systemd/local-backup.service', 'utf8');
      const lines = btrfsCollector.unitLines;
      assert.ok(typeof lines === 'function');
      const writable = ['drop', 'client-state', 'client-run'].map((name) => join(fleet.folder, name));
      const runIn = (unitText: string, more: readonly string[]) => {
        const args = ['dist/bin/local-backup', 'run', '--config-dir', join(fleet.folder, 'client')];
        return execaRunner().run(sandboxed(unitText, [...writable, ...more], { file: process.execPath, args }));
      };
      await seconds(1);
      const refused = await runIn(unit, []);
      assert.equal(refused.exitCode, 1);
      assert.match(refused.stdout, /btrfs: cannot .*\n.*the drop-in that "local-backup check" prints/);
      const extended = [unit, ...lines(optionsOf(data))].join('\n');
      await seconds(1);
      const { exitCode, stdout, stderr } = await runIn(extended, [join(btrfs.folder, 'services')]);
      assert.equal(exitCode, 0, stdout + stderr);
    });
  });
}

function optionsOf(path: string, more: Partial<BtrfsOptions> = {}): BtrfsOptions {
  return { subvolume: path, recursive: false, exclude: [], ...more };
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000 + 100));
}

async function collect(
  options: BtrfsOptions,
  context: ReturnType<typeof collectorContext>,
  archive: ReturnType<typeof memoryArchive>,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<void> {
  await btrfsCollector.check?.(options, context);
  const state = await btrfsCollector.snapshot?.plan(options, context);
  assert.ok(state !== undefined);
  try {
    await btrfsCollector.snapshot?.begin(state, context);
    await meanwhile();
    await btrfsCollector.collect(options, context, archive, state);
  } finally {
    await btrfsCollector.snapshot?.end(state, context);
  }
}
