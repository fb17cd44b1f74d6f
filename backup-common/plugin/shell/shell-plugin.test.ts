import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { execaRunner } from '../../process/execa-runner.ts';
import { collectorContext, type TestContext } from '../../testing/collector-context.ts';
import { interventionContract } from '../../testing/collector-contract.ts';
import { type MemoryArchive, memoryArchive } from '../../testing/memory-archive.ts';
import { pluginScript } from '../../testing/plugin-script.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import type { Collector } from '../collector.ts';
import { readShellFunctions } from './shell-functions.ts';
import { shellPlugin } from './shell-plugin.ts';

const machine = await mkdtemp(join(tmpdir(), 'backup-suite-'));
after(() => rm(machine, { recursive: true, force: true }));

/** Functions as the program called them: with the folder of the service as the second argument. */
const functions = (events: string) => `#!/bin/bash
set -eu
source "$PLUGIN_DIR/common_functions.sh"
plugin_handles_task_type() { [[ "$1" == legacy || "$1" == older ]]; }
plugin_validate_config() {
  [[ -d $2 && -d $3 ]] || exit 9
  [[ $(get_yaml_value "$1" .fails.at none) != validate ]] || { log_error "told to fail"; return 1; }
}
plugin_prepare_backup() {
  touch "$3/.state/stopped"
  echo stopped >> ${events}
}
plugin_run_backup() {
  [[ $(get_yaml_value "$1" .fails.at none) != run ]] || { log_error "no space"; return 4; }
  log_info "runs in $(get_yaml_value "$1" '.tables[]' | paste -sd+)"
  log_warn "a table is locked"
  mkdir "$3/data"
  get_yaml_value "$1" '.tables[]' > "$3/data/tables"
}
plugin_post_backup_success() {
  [[ ! -e ${events}-post-fails ]] || { log_error "the service hangs"; return 1; }
  [[ -e "$3/.state/stopped" ]] && echo started >> ${events}
  rm "$3/.state/stopped"
}
plugin_emergency_cleanup() {
  [[ -e "$1/.state/stopped" ]] || return 0
  echo "started in need" >> ${events}
  rm "$1/.state/stopped"
}
`;

/** As the guide for such plugins had it: the key is printed, the second argument is the backup folder. */
const byTheGuide = `#!/bin/bash
COMMON_FUNCTIONS_SCRIPT="$(dirname "$0")/common_functions.sh"
[[ -f $COMMON_FUNCTIONS_SCRIPT ]] || exit 1
source "$COMMON_FUNCTIONS_SCRIPT"
set -e
plugin_handles_task_type() {
  echo "guided"
}
plugin_validate_config() { check_command cp && [[ $DRY_RUN == false ]]; }
plugin_prepare_backup() { mkdir -p "$2/.state" && touch "$2/.state/begun"; }
plugin_run_backup() { run_cmd cp "$(get_yaml_value "$1" ".source_path")" "$2/"; }
plugin_post_backup_success() { rm "$2/.state/begun"; }
plugin_emergency_cleanup() { log_debug nothing; }
`;

const sample = shellPlugin(
  await readShellFunctions(
    await pluginScript(machine, 'legacy.sh', functions(join(machine, 'world'))),
    ['legacy'],
    execaRunner(),
  ),
);

interventionContract(withPlaceAtHand(sample), 'stop', {
  options: async () => ({}),
  world: async () => {
    const events = (await readFile(join(machine, 'world'), 'utf8').catch(() => '')).trim().split('\n');
    return events.at(-1) === 'stopped' ? 'stopped' : 'runs';
  },
});

/** In a run the check comes first, and makes the folders. */
function withPlaceAtHand(collector: Collector<unknown>): Collector {
  const { stop } = collector;
  assert.ok(stop !== undefined);
  const plan: typeof stop.plan = async (options, context) => {
    await collector.check?.(options, context);
    return stop.plan(options, context);
  };
  return { ...collector, stop: { ...stop, plan } } as Collector;
}

describe('a plugin of shell functions', () => {
  it('is asked for each key that is used', async (given) => {
    const path = await given.write(functions('/dev/null'));
    const found = await readShellFunctions(path, ['files', 'legacy', 'other', 'older'], execaRunner());
    assert.deepEqual([found.keys, found.dialect], [['legacy', 'older'], 'core']);
    assert.deepEqual((await readShellFunctions(path, ['other'], execaRunner())).keys, []);
  });

  it('that prints its key, and so says yes to all, has that key alone', async (given) => {
    const found = await readShellFunctions(await given.write(byTheGuide), ['files', 'other'], execaRunner());
    assert.deepEqual([found.keys, found.dialect], [['guided'], 'guide']);
  });

  it('collects what it has put into its folder, but for its state', async (given) => {
    await given.plugin(functions(given.events), 'legacy');
    await given.run({ tables: ['users', 'two words'] });
    assert.deepEqual([...given.archive.entries.keys()], ['legacy/', 'legacy/data/', 'legacy/data/tables']);
    assert.equal(String(given.archive.entries.get('legacy/data/tables')), 'users\ntwo words\n');
    assert.deepEqual(given.context.warnings, ['legacy: a table is locked']);
    assert.deepEqual(await given.happened(), ['stopped', 'started']);
  });

  it('written to the guide is called by the guide', async (given) => {
    await given.plugin(byTheGuide, 'guided');
    await given.run({ source_path: '/etc/hostname' });
    assert.deepEqual([...given.archive.entries.keys()], ['guided/', 'guided/hostname']);
    assert.deepEqual(given.context.warnings, []);
  });

  it('that fails has its emergency function called, not the one after success', async (given) => {
    await given.plugin(functions(given.events), 'legacy');
    await assert.rejects(given.run({ fails: { at: 'run' } }), {
      name: 'BackupError',
      message: `legacy: plugin_run_backup of ${given.path} ended with exit code 4: ERROR: no space`,
      hint: 'It must end with 0 when all went well. What it says on standard error is above.',
    });
    assert.deepEqual(await given.happened(), ['stopped', 'started in need']);
    assert.deepEqual([...given.archive.entries.keys()], []);
  });

  it('that cannot start again what it stopped has its emergency function called too', async (given) => {
    await given.plugin(functions(given.events), 'legacy');
    await writeFile(`${given.events}-post-fails`, '');
    await given.run({ tables: ['a'] });
    assert.deepEqual(await given.happened(), ['stopped', 'started in need']);
    assert.match(given.context.warnings.at(-1) ?? '', /the service hangs; plugin_emergency_cleanup has put it right$/);
  });

  it('is asked whether its options are good before anything is touched, also where there is no work folder', async (given) => {
    await given.plugin(functions(given.events), 'legacy');
    const context = { ...given.context, workFolder: '/nonexistent' };
    await given.collector.check?.({}, context);
    await assert.rejects(async () => given.collector.check?.({ fails: { at: 'validate' } }, context), {
      message: `legacy: plugin_validate_config of ${given.path} ended with exit code 1: ERROR: told to fail`,
    });
    assert.deepEqual(await given.happened(), []);
  });

  it('without a thing to save fails', async (given) => {
    const text = functions(given.events).replace(/^plugin_(prepare|post|emergency).*?^}\n/gms, '');
    await given.plugin(text.replace(/^plugin_run_backup.*?^}\n/ms, 'plugin_run_backup() { :; }\n'), 'legacy');
    assert.equal(given.collector.stop, undefined);
    await assert.rejects(given.run({}), {
      message: `legacy: plugin_run_backup of ${given.path} ended well and made nothing`,
      hint: 'It must put what is to be saved into the backup folder that it is given.',
    });
  });

  it('says what to look at when its state is gone', async (given) => {
    await given.plugin(functions(given.events), 'legacy');
    const state = { workFolder: join(given.folder, 'gone'), configFolder: given.folder };
    await assert.rejects(async () => given.collector.stop?.end(state as never, given.context), {
      name: 'BackupError',
      message: `${join(given.folder, 'gone/backup')} is gone, where ${given.path} notes what it has stopped`,
      hint: /interventions/,
    });
  });

  const bad: readonly (readonly [title: string, text: string, message: string])[] = [
    ['that cannot be sourced', 'echo "no such lib" >&2; exit 3', 'cannot be sourced: exit code 3: no such lib'],
    [
      'without a function that is needed',
      'plugin_handles_task_type() { false; }',
      'it defines no function plugin_validate_config',
    ],
    [
      'that takes every task and names none',
      'plugin_handles_task_type() { :; }\nplugin_validate_config() { :; }\nplugin_run_backup() { :; }',
      'its plugin_handles_task_type says yes to every key, and prints none',
    ],
  ];
  for (const [title, text, message] of bad) {
    it(`${title} is refused`, async (given) => {
      const path = await given.write(`#!/bin/bash\n${text}\n`);
      await assert.rejects(readShellFunctions(path, ['x'], execaRunner()), { name: 'BackupError', message });
    });
  }
});

/** A plugin in a folder of its own. */
class Given {
  readonly events: string;
  readonly path: string;
  readonly archive: MemoryArchive = memoryArchive();
  context: TestContext;
  #collector: Collector<unknown> | undefined;

  constructor(readonly folder: string) {
    this.events = join(folder, 'events');
    this.path = join(folder, 'plugins/plugin.sh');
    this.context = collectorContext(folder, '');
  }

  get collector(): Collector<unknown> {
    assert.ok(this.#collector !== undefined);
    return this.#collector;
  }

  write(text: string): Promise<string> {
    return pluginScript(this.folder, 'plugins/plugin.sh', text);
  }

  async plugin(text: string, key: string): Promise<void> {
    const workFolder = join(this.folder, 'work');
    await mkdir(workFolder);
    this.context = { ...collectorContext(this.folder, key), workFolder };
    this.#collector = shellPlugin(await readShellFunctions(await this.write(text), [key], execaRunner()));
  }

  /** As a run does it, with all that follows whatever happens. */
  async run(options: unknown): Promise<void> {
    const { check, stop, collect } = this.collector;
    await check?.(options, this.context);
    const state = (await stop?.plan(options, this.context)) as never;
    try {
      await stop?.begin(state, this.context);
      await collect(options, this.context, this.archive);
    } finally {
      await stop?.end(state, this.context);
    }
  }

  async happened(): Promise<string[]> {
    const text = await readFile(this.events, 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }
}

function it(title: string, check: (given: Given) => Promise<void>): void {
  test(title, async (context) => check(new Given(await tempFolder(context))));
}
