import assert from 'node:assert/strict';
import { access, chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { pluginScript, shellVerbs } from '#common/testing/plugin-script.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';
import { manualExamples } from './rig/manual-examples.ts';
import { startProgram, waitFor } from './rig/running.ts';

const examples = await manualExamples('docs/plugins.md');
const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** A client whose plugin folder is its own, and what its newest archive holds. */
class Client {
  constructor(readonly fleet: Fleet) {}

  path(...names: string[]): string {
    return join(this.fleet.folder, ...names);
  }

  plugin(name: string, text: string): Promise<string> {
    return pluginScript(this.path('plugins'), name, text);
  }

  /** Without plugins and services, but for one that is always good. */
  async reset(): Promise<void> {
    for (const name of ['plugins', 'client/other', 'drop', 'site']) {
      await rm(this.path(name), { recursive: true, force: true });
    }
    await mkdir(this.path('plugins'));
    await mkdir(this.path('site'));
    await writeFile(this.path('site/index.html'), '<h1>Blog</h1>');
    await this.fleet.writeService('other', 'good', { command: { run: ['echo', 'good'], output: 'said' } });
  }

  async newestArchive(): Promise<string> {
    const name = (await readdir(this.fleet.drop))
      .filter((each) => each.endsWith('.tar.gz'))
      .sort()
      .at(-1);
    assert.ok(name !== undefined, 'there is no archive');
    return join(this.fleet.drop, name);
  }

  async holds(below: string): Promise<string[]> {
    const { stdout } = await this.tar('--list', '--gzip', '--file', await this.newestArchive());
    return stdout.split('\n').filter((line) => line.startsWith(below));
  }

  async content(path: string): Promise<string> {
    return (await this.tar('--extract', '--to-stdout', '--gzip', '--file', await this.newestArchive(), path)).stdout;
  }

  private tar(...args: string[]) {
    return execaRunner().run({ file: 'tar', args });
  }
}

let client: Client;
let fleet: Fleet;
before(async () => {
  fleet = await startFleet();
  client = new Client(fleet);
  await fleet.writeClientConfig({ plugin_dir: client.path('plugins') });
});
after(() => fleet.stop());
beforeEach(() => client.reset());

const runWell = async () => {
  const result = await fleet.localBackup('run');
  assert.equal(result.exitCode, 0, result.stdout + result.stderr);
  return result.stdout;
};

describe('the examples of the manual', () => {
  const maintenance = () => client.path('site/.maintenance');
  beforeEach(async () => {
    for (const name of ['packages', 'site', 'accounts.mjs']) await client.plugin(name, examples.get(name) ?? '');
  });

  it('are saved as it says: the one in shell', async () => {
    await fleet.writeService('other', 'machine', { packages: {} });
    await runWell();
    assert.deepEqual(await client.holds('other/machine/packages/'), [
      'other/machine/packages/',
      'other/machine/packages/installed',
      'other/machine/packages/manual',
    ]);
    assert.match(await client.content('other/machine/packages/installed'), /^dpkg \w+ \d/m);
  });

  it('are saved as it says: the one in Python, its site back from maintenance and its export gone', async () => {
    await writeSite(examples.get('site.service.yaml') ?? '');
    assert.match(await runWell(), /^ok +other\/blog \(.*: downtime \d+\.\d s$/m);
    const site = 'other/blog/site/';
    assert.deepEqual(await client.holds(site), [
      site,
      `${site}export/`,
      `${site}export/pages.json`,
      `${site}files/`,
      `${site}files/index.html`,
    ]);
    assert.equal(await client.content(`${site}export/pages.json`), '["index.html"]');
    assert.deepEqual(await readdir(client.path('site')), ['index.html']);
  });

  it('are saved as it says: the ES module', async () => {
    await fleet.writeService('other', 'machine', { accounts: {} });
    await runWell();
    const { stdout } = await execaRunner().run({ file: 'getent', args: ['passwd'] });
    assert.equal(await client.content('other/machine/accounts/passwd'), stdout);
  });

  it('leave a site in maintenance that was so before', async () => {
    await fleet.writeService('other', 'blog', { site: { root: client.path('site') } });
    await writeFile(maintenance(), 'for another reason');
    assert.doesNotMatch(await runWell(), /downtime/);
    assert.equal(await readFile(maintenance(), 'utf8'), 'for another reason');
  });

  it('leave a site out that is being upgraded', async () => {
    await fleet.writeService('other', 'blog', { site: { root: client.path('site') } });
    await writeFile(client.path('site/UPGRADING'), '');
    assert.match(await runWell(), /^skipped +other\/blog .*\n.*the site is being upgraded$/m);
  });

  it('fail with their own words', async () => {
    await fleet.writeService('other', 'blog', { site: { root: '/srv/nothing' } });
    const { exitCode, stdout } = await fleet.localBackup('check');
    assert.equal(exitCode, 1);
    assert.match(
      stdout,
      /site: \/srv\/nothing is no site: it has no index\.html\n +→ Correct root in service\.yaml\.$/m,
    );
  });

  it('have their options checked in place', async () => {
    await fleet.writeService('other', 'blog', { site: { rood: client.path('site') } });
    const { exitCode, stderr } = await fleet.localBackup('check');
    assert.equal(exitCode, 2);
    assert.match(stderr, /blog\/service\.yaml:4:3: site\.rood: is no known key; did you mean "root"\?$/m);
    assert.match(stderr, /blog\/service\.yaml:4:3: site: the key "root" is missing \(Folder of the site\)$/m);
  });

  it('are listed, and their steps are planned', async () => {
    await fleet.writeService('other', 'blog', { site: { root: client.path('site') } });
    const listed = await fleet.localBackup('plugins');
    assert.equal(listed.exitCode, 0);
    for (const [keys, kind, file] of [
      ['accounts', 'module', 'accounts.mjs'],
      ['packages', 'executable', 'packages'],
      ['site', 'executable', 'site'],
    ]) {
      assert.match(listed.stdout, new RegExp(`^${keys} +${kind} +${client.path('plugins', file ?? '')}$`, 'm'));
    }
    assert.match(listed.stdout, /^files +built in$/m);
    const { stdout } = await fleet.localBackup('plan');
    const steps = [
      `1. stop the site ${client.path('site')}`,
      '2. collect site',
      `3. start again the site ${client.path('site')}`,
      '4. clean up what site makes for its run',
    ];
    for (const step of steps) assert.ok(stdout.includes(`\n  ${step}\n`), `${step}\n${stdout}`);
    assert.deepEqual(await readdir(client.path('site')), ['index.html']);
  });

  it('leave nothing after SIGKILL once recover has run, wherever the run was', async () => {
    await fleet.writeService('other', 'blog', { site: { root: client.path('site') } });
    const held = client.path('held');
    const text = (examples.get('site') ?? '').replace(
      'def cleanup(',
      `def hold():\n    pathlib.Path("${held}").touch()\n    import time; time.sleep(60)\n\n\ndef cleanup(`,
    );
    await client.plugin('site', text.replace('    hand_over(root, ', '    hold()\n    hand_over(root, '));
    const run = startProgram(fleet, 'local-backup', 'client');
    await waitFor(() => isThere(held));
    run.kill('SIGKILL');
    await run.ended;
    assert.deepEqual((await readdir(client.path('site'))).sort(), ['.export', '.maintenance', 'index.html']);
    const { exitCode, stdout } = await fleet.localBackup('recover');
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /other\/blog: started again after an interrupted run \(site\)/);
    assert.match(stdout, /other\/blog: cleaned up after an interrupted run \(site\)/);
    assert.deepEqual(await readdir(client.path('site')), ['index.html']);
  });

  async function writeSite(yaml: string): Promise<void> {
    await mkdir(client.path('client/other/blog'), { recursive: true });
    const text = yaml.replace('/srv/blog', client.path('site'));
    await writeFile(client.path('client/other/blog/service.yaml'), text, { mode: 0o600 });
  }
});

describe('a plugin that goes wrong', () => {
  const handOver = `echo x > f; echo '{"type": "file", "path": "f", "as": "f"}'`;
  const isRunning = () => isThere(client.path('running'));

  /** A service that runs while a file is there, with a plugin that stops it. */
  async function writePlugin(verbs: Readonly<Record<string, string>>): Promise<void> {
    const running = client.path('running');
    await writeFile(running, '');
    const description = {
      name: 'mine',
      task_keys: ['mine'],
      capabilities: ['collect', 'quiesce'],
      timeouts: { collect: '1s', quiesce: '1s' },
      phase: 'quiesced',
    };
    const sound = {
      plan: `[ ! -e ${running} ] || echo '{"type": "state", "state": {}, "describes": "it"}'`,
      quiesce: `rm ${running}`,
      resume: `touch ${running}`,
      collect: handOver,
    };
    await client.plugin('mine', shellVerbs(description, { ...sound, ...verbs }));
    await fleet.writeService('other', 'mine', { mine: {} });
  }

  const ways: readonly (readonly [title: string, verbs: Readonly<Record<string, string>>, failure: RegExp])[] = [
    [
      'prints garbage',
      { collect: `${handOver}; echo 3 tables` },
      /mine collect" printed what is no message: "3 tables"/,
    ],
    ['prints without end', { collect: 'yes' }, /mine collect" printed more than 1 MiB/],
    ['hangs', { collect: `${handOver}; exec sleep 60` }, /mine collect" took longer than 1s/],
    ['hands over nothing', { collect: 'exit 0' }, /mine: the plugin ended well and handed over nothing/],
    ['is killed', { collect: `${handOver}; kill -9 $$` }, /mine collect" was ended by SIGKILL/],
    ['fails', { collect: `${handOver}; echo no space >&2; exit 3` }, /mine collect" ended with exit code 3: no space/],
    ['hangs when it is to stop something', { quiesce: 'exec sleep 60' }, /mine quiesce" took longer than 1s/],
    [
      'fails after it has stopped something',
      { quiesce: 'rm "$(dirname "$0")/../running"; exit 1' },
      /mine quiesce" ended with exit code 1/,
    ],
  ];
  for (const [title, verbs, failure] of ways) {
    it(`fails its service alone, which runs again: it ${title}`, async () => {
      await writePlugin(verbs);
      const { exitCode, stdout } = await fleet.localBackup('run');
      assert.equal(exitCode, 1);
      assert.match(stdout, /^FAILED +other\/mine /m);
      assert.match(stdout, failure);
      assert.match(stdout, /^ +→ /m);
      assert.equal(await client.content('other/good/command/said'), 'good\n');
      assert.deepEqual(await client.holds('other/mine'), []);
      assert.equal(await isRunning(), true);
      assert.deepEqual(await readdir(client.path('client-state/interventions')), []);
    });
  }

  it('and does not start again what it has stopped is named, and tried once more', async () => {
    await writePlugin({ resume: 'echo no memory >&2; exit 1' });
    const failed = await fleet.localBackup('run');
    assert.equal(failed.exitCode, 1);
    assert.match(
      failed.stdout,
      /other\/mine is not running again\n +because .*mine resume" ended with exit code 1: no memory$/m,
    );
    await writePlugin({});
    await rm(client.path('running'));
    await chmod(client.path('plugins/mine'), 0o777);
    const refused = await fleet.localBackup('recover');
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stdout, /is of the task "mine", which no collector answers to$/m);
    assert.match(refused.stdout, /warning: a plugin was refused: .*can be written by others; chmod go-w .*mine$/m);
    await chmod(client.path('plugins/mine'), 0o755);
    assert.equal((await fleet.localBackup('recover')).exitCode, 0);
    assert.equal(await isRunning(), true);
  });

  const refusals: readonly (readonly [title: string, spoil: () => Promise<unknown>, problem: RegExp])[] = [
    [
      'that others may write',
      () => chmod(client.path('plugins/mine'), 0o777),
      /plugins\/mine: can be written by others; chmod go-w .*plugins\/mine/,
    ],
    [
      'in a folder that others may write',
      () => chmod(client.path('plugins'), 0o777),
      /plugins\/mine: lies in .*plugins, which can be written by others; chmod go-w .*plugins/,
    ],
    [
      'that does not say what it is',
      () => client.plugin('mine', '#!/bin/sh\necho usage: mine\n'),
      /plugins\/mine: ".*plugins\/mine describe" printed what is no JSON/,
    ],
  ];
  for (const [title, spoil, problem] of refusals) {
    it(`is refused with its service, and the others are stored: one ${title}`, async () => {
      await writePlugin({});
      await spoil();
      const { exitCode, stdout } = await fleet.localBackup('run');
      assert.equal(exitCode, 1);
      assert.match(stdout, /^FAILED +other\/mine .*\n.*no collector answers to the key "mine"$/m);
      assert.match(stdout, new RegExp(`because the plugin .*${problem.source}$`, 'm'));
      assert.match(stdout, new RegExp(`warning: a plugin was refused: .*${problem.source}$`, 'm'));
      assert.equal(await client.content('other/good/command/said'), 'good\n');
      const listed = await fleet.localBackup('plugins');
      assert.equal(listed.exitCode, 1);
      assert.match(listed.stdout, new RegExp(`^refused:\\n.*${problem.source}$`, 'm'));
    });
  }
});

describe('shell functions', () => {
  const legacy = () => `#!/bin/bash
source "\${PLUGIN_DIR}/common_functions.sh"
plugin_handles_task_type() { [[ "$1" == legacy ]]; }
plugin_validate_config() { is_valid_path "$(get_yaml_value "$1" .path)" -f; }
plugin_prepare_backup() { touch "$3/.state/stopped" && rm ${client.path('running')}; }
plugin_run_backup() { mkdir "$3/data" && cp "$(get_yaml_value "$1" .path)" "$3/data/" && [[ ! -e ${client.path('hold')} ]] ||
  { touch ${client.path('held')}; sleep 60; }; }
plugin_post_backup_success() { touch ${client.path('running')}; rm -r "$3/.state"; }
plugin_emergency_cleanup() { [[ ! -e "$1/.state/stopped" ]] || touch ${client.path('running')}; }
`;
  const guided = `#!/bin/bash
source "$(dirname "$0")/common_functions.sh" || exit 1
plugin_handles_task_type() { echo guided; }
plugin_validate_config() { check_command cp; }
plugin_run_backup() { run_cmd cp "$(get_yaml_value "$1" ".path")" "$2/"; }
`;

  beforeEach(async () => {
    for (const name of ['hold', 'held']) await rm(client.path(name), { force: true });
    await writeFile(client.path('running'), '');
    await client.plugin('legacy.sh', legacy());
    await client.plugin('guided.sh', guided);
    await client.plugin('common_functions.sh', 'echo never; exit 1\n');
  });

  it('are called by what ships with the client, those of the guide too', async () => {
    await fleet.writeService('other', 'old', { legacy: { path: '/etc/passwd' }, guided: { path: '/etc/group' } });
    assert.match(await runWell(), /^ok +other\/old \(.*: downtime/m);
    assert.deepEqual(await client.holds('other/old/'), [
      'other/old/',
      'other/old/config_used/',
      'other/old/config_used/service.yaml',
      'other/old/legacy/',
      'other/old/legacy/data/',
      'other/old/legacy/data/passwd',
      'other/old/guided/',
      'other/old/guided/group',
    ]);
    assert.equal(await client.content('other/old/legacy/data/passwd'), await readFile('/etc/passwd', 'utf8'));
    assert.equal(await isThere(client.path('running')), true);
    assert.match((await fleet.localBackup('plugins')).stdout, /^legacy +shell functions +.*legacy\.sh$/m);
  });

  it('start again after SIGKILL what they have stopped, by recover', async () => {
    await fleet.writeService('other', 'old', { legacy: { path: '/etc/passwd' } });
    await writeFile(client.path('hold'), '');
    const run = startProgram(fleet, 'local-backup', 'client');
    await waitFor(() => isThere(client.path('held')));
    run.kill('SIGKILL');
    await run.ended;
    assert.equal(await isThere(client.path('running')), false);
    const { exitCode, stdout } = await fleet.localBackup('recover');
    assert.equal(exitCode, 0, stdout);
    assert.equal(await isThere(client.path('running')), true);
    assert.deepEqual(await readdir(client.path('drop/.staging')), []);
  });

  it('of a key that nobody uses are listed as such', async () => {
    assert.match(
      (await fleet.localBackup('plugins')).stdout,
      /^\(no key that is used\) +shell functions +.*legacy\.sh$/m,
    );
  });
});
