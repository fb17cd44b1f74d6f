import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { execaRunner } from '../../process/execa-runner.ts';
import { collectorContext, type TestContext } from '../../testing/collector-context.ts';
import { collectorContract, interventionContract } from '../../testing/collector-contract.ts';
import { type MemoryArchive, memoryArchive } from '../../testing/memory-archive.ts';
import { pluginScript, shellVerbs } from '../../testing/plugin-script.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import type { Collector } from '../collector.ts';
import { describePlugin } from './executable-plugin.ts';

const machine = await mkdtemp(join(tmpdir(), 'backup-suite-'));
after(() => rm(machine, { recursive: true, force: true }));

/** A plugin whose service runs while a file is there. */
const sample = await describePlugin(
  await pluginScript(
    machine,
    'sample',
    shellVerbs(
      {
        name: 'sample',
        task_keys: ['sample'],
        capabilities: ['check', 'collect', 'quiesce', 'cleanup'],
        schema: {
          type: 'object',
          description: 'A sample.',
          properties: { fails: { type: 'boolean', description: 'Whether it fails.' } },
          additionalProperties: false,
        },
      },
      {
        check: 'grep -q \'"fails":true\' && { echo "it was told to" >&2; exit 1; }; exit 0',
        plan: `[ ! -e ${machine}/running ] || echo '{"type": "state", "state": "${machine}/running", "describes": "the sample"}'`,
        quiesce: `rm ${machine}/running`,
        resume: `[ -e ${machine}/running ] || touch ${machine}/running`,
        collect: `echo content > dump; echo '{"type": "file", "path": "dump", "as": "dumps/dump"}'`,
        cleanup: ':',
      },
    ),
  ),
  execaRunner(),
);

collectorContract(checkedFirst(sample), {
  good: { options: async () => ({}), holds: ['sample/dumps/dump'] },
  failing: { options: async () => ({ fails: true }) },
});

interventionContract(sample as Collector, 'stop', {
  options: async () => {
    await writeFile(join(machine, 'running'), '');
    return {};
  },
  world: async () => (await readdir(machine)).includes('running'),
});

/** As a run does, which asks every task whether it is to be skipped. */
function checkedFirst(collector: Collector<unknown>): Collector {
  const check: Collector<unknown>['check'] = async (options, context) => {
    assert.equal(await collector.skip?.(options, context), undefined);
  };
  return { ...collector, check } as Collector;
}

describe('an executable plugin', () => {
  it('is told all about the task, and begins to collect in its work folder', async (given) => {
    await given.plugin({ collect: 'cat > told; pwd >> told; echo \'{"type":"file","path":"told","as":"told"}\'' });
    await given.collect({ tables: ['a', 'b'] });
    const [told = '', cwd] = String(given.archive.entries.get('mine/told')).split('\n');
    assert.deepEqual(JSON.parse(told), {
      protocol: 1,
      service: { type: 'test', name: 'service' },
      task: 'mine',
      options: { tables: ['a', 'b'] },
      config_folder: given.folder,
      work_folder: given.folder,
      kept_folder: join(given.folder, 'kept'),
    });
    assert.equal(cwd, given.folder);
  });

  it('hands over a tree as it lies on disk, without what it excludes', async (given) => {
    const tree = join(given.folder, 'tree');
    await mkdir(join(tree, 'cache/deep'), { recursive: true });
    await writeFile(join(tree, 'cache/deep/file'), 'x');
    await writeFile(join(tree, 'kept'), 'y');
    const message = { type: 'tree', path: tree, as: 'library', exclude: ['cache'] };
    await given.plugin({ collect: `echo '${JSON.stringify(message)}'` });
    await given.collect();
    assert.deepEqual([...given.archive.entries.keys()], ['mine/library/', 'mine/library/kept']);
  });

  it('may warn, and need not read what it is told', async (given) => {
    const warning = '{"type": "warning", "message": "two tables are locked"}';
    await given.plugin({ collect: `exec 0<&-\necho '${warning}'\n${handOver}` });
    await given.collect({ long: 'x'.repeat(500_000) });
    assert.deepEqual(given.context.warnings, ['mine: two tables are locked']);
    assert.deepEqual([...given.archive.entries.keys()], ['mine/f']);
  });

  it('may leave the service out with exit code 75, and says why', async (given) => {
    await given.plugin({ check: 'echo \'{"type": "skip", "reason": "it is Sunday"}\'; exit 75' });
    assert.equal(await given.skip(), 'it is Sunday');
    await given.plugin({ check: 'echo no key yet >&2; exit 75' });
    assert.equal(await given.skip(), 'no key yet');
    await given.plugin({ check: 'exit 75' });
    assert.equal(await given.skip(), 'not now');
  });

  it('may find nothing to save, with exit code 75', async (given) => {
    await given.plugin({ collect: `${handOver}\necho "no new mail" >&2; exit 75` });
    await given.collect();
    assert.deepEqual([...given.archive.entries.keys()], []);
    assert.deepEqual(given.context.warnings, ['mine: nothing was saved: no new mail']);
  });

  it('keeps nothing running that it stops nothing of', async (given) => {
    await given.plugin({ plan: ':' });
    assert.equal(await given.collector.stop?.plan({}, given.context), undefined);
  });

  it('cleans up with the options that it was given, though the service.yaml may be gone', async (given) => {
    await given.plugin({ cleanup: `cat > ${given.folder}/told` });
    const { cleanup } = given.collector;
    const state = await cleanup?.plan({ container: 'web' }, given.context);
    await cleanup?.end(JSON.parse(JSON.stringify(state)) as never, given.context);
    const told = JSON.parse(await readFile(join(given.folder, 'told'), 'utf8'));
    assert.deepEqual([told.options, told.task], [{ container: 'web' }, 'mine']);
  });
});

/** Shell that makes and hands over a file. */
const handOver = 'echo x > f; echo \'{"type": "file", "path": "f", "as": "f"}\'';
const messageHint = 'Standard output is for messages, one JSON object a line; all else belongs on standard error.';
const byHand = 'Run it by hand as root; all that it says on standard error is in the log with --verbose.';
const line = (message: object) => `echo '${JSON.stringify(message)}'`;

interface Failure {
  readonly title: string;
  readonly collect: string;
  readonly timeout?: string;
  /** The plugin's path is PLUGIN, the work folder WORK. */
  readonly message: string;
  readonly hint: string;
}

const failures: readonly Failure[] = [
  {
    title: 'an exit code fails with the last lines of standard error',
    collect: `${handOver}; printf '1\\n2\\n3\\n4\\n' >&2; exit 3`,
    message: '"PLUGIN collect" ended with exit code 3: 2 / 3 / 4',
    hint: byHand,
  },
  {
    title: 'an error it tells fails with its own words and hint, also with exit code 0',
    collect: `${handOver}; ${line({ type: 'error', message: 'no database "x"', hint: 'Make it.' })}`,
    message: 'mine: no database "x"',
    hint: 'Make it.',
  },
  {
    title: 'one that is killed fails with the signal',
    collect: `${handOver}; kill -9 $$`,
    message: '"PLUGIN collect" was ended by SIGKILL',
    hint: 'Where nobody ended it, SIGKILL is the kernel that ran out of memory; "journalctl -k" tells.',
  },
  {
    title: 'one that hangs is ended',
    collect: `${handOver}; echo waiting >&2; exec sleep 60`,
    timeout: '1s',
    message: '"PLUGIN collect" took longer than 1s: waiting',
    hint: 'Find out what it waits for, or give it more time.',
  },
  {
    title: 'one that leaves its output to something that hangs is not waited for longer',
    collect: `${handOver}; sleep 60 & exit 0`,
    timeout: '1s',
    message: '"PLUGIN collect" took longer than 1s',
    hint: 'Find out what it waits for, or give it more time.',
  },
  {
    title: 'a line that is no message fails',
    collect: `${handOver}; echo "dumping 3 tables"`,
    message: '"PLUGIN collect" printed what is no message: "dumping 3 tables"',
    hint: messageHint,
  },
  {
    title: 'a message cut off fails',
    collect: `${handOver}; printf '{"type": "file", "pa'`,
    message: '"PLUGIN collect" printed what is no message: "{\\"type\\": \\"file\\", \\"pa"',
    hint: messageHint,
  },
  {
    title: 'a message that is not for this verb fails',
    collect: line({ type: 'state', state: 1, describes: 'it' }),
    message: '"PLUGIN collect" printed a message of the type "state"; allowed are warning, error, skip, file, tree',
    hint: messageHint,
  },
  {
    title: 'a message with a mistake fails with all that is known of it',
    collect: line({ type: 'file', path: 'f', as: 'f', mode: '0600' }),
    message:
      '"PLUGIN collect" printed a message of the type "file" that is none: mode: is no known key; known are type, path, as, allow_empty',
    hint: messageHint,
  },
  {
    title: 'output without end is stopped',
    collect: 'yes',
    message: '"PLUGIN collect" printed more than 1 MiB',
    hint: 'Standard output is for messages only. Data goes into files in the work folder, the rest to standard error.',
  },
  {
    title: 'to end well and hand over nothing fails',
    collect: 'exit 0',
    message: 'mine: the plugin ended well and handed over nothing',
    hint: 'When there is nothing to save, it must end with exit code 75.',
  },
  {
    title: 'a file that is not there fails',
    collect: line({ type: 'file', path: 'f', as: 'f' }),
    message: 'mine: the plugin hands over the file "f", which is not there',
    hint: 'Relative paths count from the work folder.',
  },
  {
    title: 'an empty file fails',
    collect: `: > f; ${line({ type: 'file', path: 'f', as: 'f' })}`,
    message: 'mine: the plugin hands over the file "f", which is empty',
    hint: 'If that is right, say "allow_empty": true.',
  },
  {
    title: 'a file outside of the work folder fails',
    collect: `ln -s /etc/passwd f; ${line({ type: 'file', path: 'f', as: 'f' })}`,
    message: 'mine: the plugin hands over the file "f", which lies outside of WORK',
    hint: 'Hand it over as a tree.',
  },
  {
    title: 'a folder as a file fails',
    collect: `mkdir f; ${line({ type: 'file', path: 'f', as: 'f' })}`,
    message: 'mine: the plugin hands over the file "f", which is no regular file',
    hint: 'Hand it over as a tree.',
  },
  {
    title: 'a place outside of the task fails',
    collect: `${handOver}; ${line({ type: 'file', path: 'f', as: '../f' })}`,
    message: 'mine: the plugin hands over as "../f", which has ".." in its path',
    hint: 'Each "as" is a place of its own, relative to the folder of the task.',
  },
  {
    title: 'a tree that is not there fails before anything is added',
    collect: `${handOver}; ${line({ type: 'tree', path: '/no/such/tree', as: 't' })}`,
    message: 'mine: the plugin hands over /no/such/tree, which cannot be looked at',
    hint: 'A tree must be there when the plugin has ended.',
  },
];

describe('an executable plugin that goes wrong', () => {
  for (const { title, collect, timeout = '1m', message, hint } of failures) {
    it(title, async (given) => {
      await given.plugin({ collect }, { timeouts: { collect: timeout } });
      const expected = message.replace('PLUGIN', given.path).replace('WORK', given.folder);
      await assert.rejects(given.collect(), { name: 'BackupError', message: expected, hint });
      assert.deepEqual([...given.archive.entries.keys()], []);
    });
  }

  it('takes with it what it has started when it is ended', async (given) => {
    const collect = `sleep 60 & echo $! > ${given.folder}/child; wait`;
    await given.plugin({ collect }, { timeouts: { collect: '1s' } });
    await assert.rejects(given.collect(), { message: `"${given.path} collect" took longer than 1s` });
    const child = Number(await readFile(join(given.folder, 'child'), 'utf8'));
    while (await isRunning(child)) await new Promise(setImmediate);
  });

  it('cannot say "not now" when it is to start what it has stopped', async (given) => {
    await given.plugin({ resume: 'exit 75' });
    const state = { options: {}, config_folder: '/', state: 1, describes: 'it' };
    await assert.rejects(async () => given.collector.stop?.end(state as never, given.context), {
      message: `"${given.path} resume" ended with exit code 75`,
    });
  });

  it('that cannot be started is told with what to look at', async (given) => {
    await given.plugin({ collect: handOver });
    await rm(given.path);
    await symlink('/nowhere', given.path);
    await assert.rejects(given.collect(), {
      message: `${given.path} cannot be started: No such file or directory`,
      hint: /first line/,
    });
  });
});

describe('what a plugin says of itself', () => {
  const good = { protocol: 1, name: 'mine', task_keys: ['mine'], schema: {}, capabilities: ['collect'] };
  const cases: readonly (readonly [title: string, script: string, message: string])[] = [
    ['nothing', 'exit 0', 'printed nothing'],
    ['no JSON', 'echo usage: mine', 'printed what is no JSON'],
    ['a failure', 'echo broken >&2; exit 1', 'ended with exit code 1: broken'],
    ['another protocol', line({ ...good, protocol: 2 }), ': protocol: must be 1, the protocol that is spoken here'],
    [
      'too little',
      line({ ...good, task_keys: undefined }),
      ': it: the key "task_keys" is missing (The keys of service.yaml that it answers to)',
    ],
    [
      'a capability that there is none of',
      line({ ...good, capabilities: ['fly'] }),
      ': capabilities[0]: must be one of check, collect, quiesce, cleanup',
    ],
    [
      'nothing it can do',
      line({ ...good, capabilities: ['check'] }),
      ': it can neither collect nor quiesce, so it is of no use',
    ],
  ];
  for (const [title, script, message] of cases) {
    test(`must not be ${title}`, async (context) => {
      const path = await pluginScript(await tempFolder(context), 'mine', `#!/bin/sh\n${script}\n`);
      await assert.rejects(describePlugin(path, execaRunner()), {
        name: 'BackupError',
        message: `"${path} describe"${message.startsWith(':') ? '' : ' '}${message}`,
      });
    });
  }

  test('must not take long', async (context) => {
    const path = await pluginScript(await tempFolder(context), 'mine', '#!/bin/sh\nexec sleep 60\n');
    await assert.rejects(describePlugin(path, execaRunner(), '1s'), {
      message: `"${path} describe" took longer than 1s`,
      hint: 'Find out what it waits for, or give it more time.',
    });
  });

  test('may be written over several lines', async (context) => {
    const text = `#!/bin/sh\ncat <<END\n${JSON.stringify(good, null, 2)}\nEND\n`;
    const path = await pluginScript(await tempFolder(context), 'mine', text);
    assert.deepEqual((await describePlugin(path, execaRunner())).taskKeys, ['mine']);
  });
});

/** Not so when it waits only for somebody to ask for its exit code. */
async function isRunning(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== '';
}

/** A plugin that is made anew for each test. */
class Given {
  readonly path: string;
  readonly context: TestContext;
  readonly archive: MemoryArchive = memoryArchive();
  #collector: Collector<unknown> | undefined;

  constructor(
    readonly folder: string,
    plugins: string,
  ) {
    this.path = join(plugins, 'mine');
    this.context = collectorContext(folder, 'mine');
  }

  get collector(): Collector<unknown> {
    assert.ok(this.#collector !== undefined);
    return this.#collector;
  }

  async plugin(verbs: Readonly<Record<string, string>>, more: object = {}): Promise<void> {
    const capabilities = ['check', 'collect', 'quiesce', 'cleanup'];
    const description = { name: 'mine', task_keys: ['mine'], capabilities, ...more };
    await pluginScript(join(this.path, '..'), 'mine', shellVerbs(description, verbs));
    this.#collector = await describePlugin(this.path, execaRunner());
  }

  async collect(options: unknown = {}): Promise<void> {
    await this.collector.collect(options, this.context, this.archive);
  }

  async skip(): Promise<string | undefined> {
    return this.collector.skip?.({}, this.context);
  }
}

function it(title: string, check: (given: Given) => Promise<void>): void {
  test(title, async (context) => check(new Given(await tempFolder(context), await tempFolder(context))));
}
