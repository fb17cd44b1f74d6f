import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { univentionCollector } from '#plugins/univention/univention-collector.ts';
import { type CollectorTask, collectorTask, unpack, writeProgram } from './rig/collector-task.ts';
import { type FakeUnivention, fakeUnivention } from './rig/fake-univention.ts';
import { startFleet } from './rig/fleet.ts';

const path = process.env.PATH ?? '';

describe('univention, with a program that stands for univention-backup', () => {
  after(() => {
    process.env.PATH = path;
  });

  collectorContract(univentionCollector, {
    good: {
      options: async (folder) => {
        const { program, system, dumps } = await fakeUnivention(join(folder, '../machine'));
        process.env.PATH = `${join(program, '..')}:${path}`;
        await writeFile(join(system, 'ldap.ldif'), 'dn: dc=example\n');
        await writeFile(join(folder, 'site.conf'), 'one');
        return { dump_folder: dumps, custom_paths: [join(folder, 'site.conf')] };
      },
      holds: ['univention_system_dump/system-2026-08-01.tar.gz', 'custom_files_data/site.conf'],
    },
    failing: { options: async (folder) => ({ dump_folder: folder, custom_paths: [join(folder, 'gone')] }) },
  });

  for (const ending of ['gz', 'bz2'] as const) {
    test(`a dump as .tar.${ending} comes back by hand`, async (t) => {
      const { task, machine } = await machineWith(t, ending);
      await task.collect({ dump_folder: machine.dumps, univention_backup_options: ' --full  --quiet ' });
      assert.deepEqual(await machine.calls(), ['--full --quiet']);
      const folder = join(task.folder, 'restored');
      await mkdir(folder);
      await unpack(task.archive, folder);
      const dump = join(folder, `univention_system_dump/system-2026-08-01.tar.${ending}`);
      const { exitCode } = await execaRunner().run({ file: 'tar', args: ['-xf', dump, '-C', folder] });
      assert.equal(exitCode, 0);
      assert.equal(await readFile(join(folder, 'ldap.ldif'), 'utf8'), 'dn: dc=example\n');
    });
  }

  test('a dump that was there before is not taken for a new one', async (t) => {
    const { task, machine } = await machineWith(t);
    await mkdir(machine.dumps);
    await writeFile(join(machine.dumps, 'system-2999-01-01.tar.gz'), 'of another machine');
    await task.collect({ dump_folder: machine.dumps });
    assert.deepEqual([...task.archive.entries.keys()], ['univention_system_dump/system-2026-08-01.tar.gz']);
  });

  test('the built program saves custom paths without what is excluded', async (t) => {
    const { machine } = await machineWith(t);
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    const site = join(fleet.folder, 'site');
    await mkdir(join(site, 'cache'), { recursive: true });
    for (const name of ['page', 'old.log', 'cache/x']) await writeFile(join(site, name), name);
    await fleet.writeClientConfig({ tools: { univention_backup_cmd: machine.program } });
    const task = { dump_folder: machine.dumps, custom_paths: [site], custom_exclude: ['*.log', '/site/cache/'] };
    await fleet.writeService('other', 'ucs', { univention: task });
    const { exitCode, stderr } = await fleet.localBackup('run');
    assert.equal(exitCode, 0, stderr);
    const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
    const listed = await execaRunner().run({ file: 'tar', args: ['-tzf', join(fleet.drop, archive)] });
    const own = listed.stdout.split('\n').filter((name) => name.startsWith('other/ucs/custom_files_data/site/'));
    assert.deepEqual(own, ['other/ucs/custom_files_data/site/', 'other/ucs/custom_files_data/site/page']);
  });

  test('the audit knows the system where the program is, and a task covers it and its own paths', async (t) => {
    const { task } = await machineWith(t);
    const asset = { kind: 'Univention system', name: 'univention-backup' };
    const found = [{ ...asset, path: '/var/univention-backup' }];
    assert.deepEqual(await univentionCollector.findAssets?.(task.context), found);
    const elsewhere = { ...task.context, tools: { ...task.context.tools, univention_backup: 'no-such-program' } };
    assert.deepEqual(await univentionCollector.findAssets?.(elsewhere), []);
    assert.deepEqual(await task.coverage({ custom_paths: ['/srv/site', { path: '/etc/site' }] }), {
      assets: [asset],
      paths: ['/srv/site', '/etc/site'],
    });
  });

  const failures = [
    {
      title: 'ends badly',
      script: 'echo "LDAP is down" >&2; exit 3',
      message: /^univention: univention-backup ended with exit code 3: LDAP is down$/,
      hint: /by hand/,
    },
    {
      title: 'takes too long',
      script: 'exec sleep 60',
      message: /^univention: univention-backup took too long and was ended$/,
      hint: /longer timeout/,
    },
    {
      title: 'leaves nothing',
      script: 'true',
      message: /^univention: univention-backup ended well and left no new \.tar\.gz or \.tar\.bz2 in \S+\/dumps$/,
      hint: /dump_folder/,
    },
    {
      title: 'leaves half a dump',
      script: 'head -c 100000 /dev/urandom > big; mkdir dumps; tar -cz big | head -c 50000 > dumps/a.tar.gz',
      message: /^univention: \S+\/a\.tar\.gz is no whole dump: tar ended with exit code 2: /,
      hint: /disk full/,
    },
    {
      title: 'leaves an empty dump',
      script: 'mkdir dumps; : > dumps/a.tar.bz2',
      message: /^univention: \S+\/a\.tar\.bz2 is no whole dump: tar /,
      hint: /disk full/,
    },
  ];
  for (const { title, script, message, hint } of failures) {
    test(`a univention-backup that ${title} fails the task`, async (t) => {
      const { task, machine } = await machineWith(t);
      await writeProgram(machine.program, `cd "${machine.dumps}/.." || exit 1\n${script}`);
      await assert.rejects(task.collect({ dump_folder: machine.dumps, timeout: '1s' }), { message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
    });
  }

  test('a machine without univention-backup is told before anything is done', async (t) => {
    const task = await collectorTask(t, univentionCollector, { univention_backup: '/nowhere/univention-backup' });
    await assert.rejects(task.check({}), {
      name: 'BackupError',
      message: 'univention: there is no program /nowhere/univention-backup',
      hint: /univention_backup_cmd/,
    });
  });
});

async function machineWith(
  t: TestContext,
  ending: 'gz' | 'bz2' = 'gz',
): Promise<{ readonly task: CollectorTask; readonly machine: FakeUnivention }> {
  const folder = await tempFolder(t);
  const machine = await fakeUnivention(folder, ending);
  await writeFile(join(machine.system, 'ldap.ldif'), 'dn: dc=example\n');
  return { machine, task: await collectorTask(t, univentionCollector, { univention_backup: machine.program }) };
}
