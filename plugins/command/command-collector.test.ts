import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { collectorContext, type TestContext } from '#common/testing/collector-context.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { type MemoryArchive, memoryArchive } from '#common/testing/memory-archive.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { commandCollector } from './command-collector.ts';
import type { CommandTask } from './command-schema.ts';

collectorContract(commandCollector, {
  good: {
    options: async () => [
      { run: ['echo', 'one'], output: 'one.txt' },
      { run: ['echo', 'two'], output: 'two.txt' },
    ],
    holds: ['command/one.txt', 'command/two.txt'],
  },
  failing: { options: async () => ({ run: ['false'], output: 'nothing' }) },
});

describe('command', () => {
  it('the output is the file, byte for byte, however long', async (given) => {
    await collect(given, {
      run: ['node', '-e', 'process.stdout.write(Buffer.alloc(3e6, 7)); process.stderr.write("x")'],
    });
    assert.ok(given.archive.entries.get('command/output')?.equals(Buffer.alloc(3e6, 7)));
    assert.deepEqual(given.context.warnings, []);
  });

  it('there is no shell, env is passed on, and the program begins in the folder of service.yaml', async (given) => {
    await collect(given, { run: ['sh', '-c', 'echo "$0" "$1" "$WORD"; pwd', '$HOME', 'a;b'], env: { WORD: 'said' } });
    assert.deepEqual(given.archive.entries.get('command/output')?.toString(), `$HOME a;b said\n${given.folder}\n`);
  });

  it('a program may lie beside service.yaml', async (given) => {
    await writeFile(join(given.folder, 'dump'), '#!/bin/sh\necho dumped\n', { mode: 0o700 });
    await collect(given, { run: ['./dump'] });
    assert.equal(given.archive.entries.get('command/output')?.toString(), 'dumped\n');
  });

  const failures: readonly { title: string; task: Partial<CommandTask>; message: RegExp; hint: RegExp }[] = [
    {
      title: 'an exit code fails with the last lines of standard error',
      task: { run: ['sh', '-c', 'echo half; printf "1\\n2\\n3\\n4\\n" >&2; exit 3'] },
      message: /^command: "sh -c .*" ended with exit code 3: 2 \/ 3 \/ 4$/s,
      hint: /exit code must be 0/,
    },
    {
      title: 'a signal fails with its name',
      task: { run: ['sh', '-c', 'echo half; kill -9 $$'] },
      message: /ended with SIGKILL$/,
      hint: /by hand/,
    },
    {
      title: 'a program that takes too long is ended, and what it started itself is not waited for',
      task: { run: ['sh', '-c', 'echo half; sleep 30; echo whole'], timeout: '1s' },
      message: /took longer than 1s$/,
      hint: /longer timeout/,
    },
    {
      title: 'no output fails',
      task: { run: ['true'] },
      message: /ended well and wrote nothing$/,
      hint: /allow_empty/,
    },
    {
      title: 'a program that is not there fails before anything is run',
      task: { run: ['no-such-program'] },
      message: /^command: there is no program no-such-program$/,
      hint: /Install it/,
    },
    {
      title: 'a file that is no program fails before anything is run',
      task: { run: ['/etc/passwd'] },
      message: /^command: there is no program \/etc\/passwd$/,
      hint: /Install it/,
    },
  ];
  for (const { title, task, message, hint } of failures) {
    it(title, async (given) => {
      await assert.rejects(collect(given, task), { name: 'BackupError', message, hint });
      assert.deepEqual([...given.archive.entries.keys()], []);
    });
  }

  it('an exit code that means nothing to save is a warning, and no file', async (given) => {
    await collect(given, { run: ['sh', '-c', 'echo half; exit 9'], skip_exit_codes: [8, 9] });
    assert.deepEqual([...given.archive.entries.keys()], []);
    assert.deepEqual(given.context.warnings, [
      'command: skipped output: "sh -c echo half; exit 9" ended with exit code 9',
    ]);
  });

  it('no output is a file where that is allowed', async (given) => {
    await collect(given, { run: ['true'], allow_empty: true });
    assert.deepEqual([...given.archive.entries], [['command/output', Buffer.alloc(0)]]);
  });

  it('two programs with one output are refused', async ({ context }) => {
    const tasks = [taskOf({ run: ['true'] }), taskOf({ run: ['echo'] })];
    await assert.rejects(async () => commandCollector.check?.(tasks, context), {
      message: 'command: two programs write to "output"',
    });
  });
});

interface Given {
  readonly folder: string;
  readonly context: TestContext;
  readonly archive: MemoryArchive;
}

function it(title: string, check: (given: Given) => Promise<void>): void {
  test(title, async (test) => {
    const folder = await tempFolder(test);
    await check({ folder, context: collectorContext(folder, 'command'), archive: memoryArchive() });
  });
}

function taskOf(given: Partial<CommandTask>): CommandTask {
  return { run: [], output: 'output', timeout: '1m', skip_exit_codes: [], allow_empty: false, ...given };
}

async function collect({ context, archive }: Given, given: Partial<CommandTask>): Promise<void> {
  const task = taskOf(given);
  await commandCollector.check?.(task, context);
  await commandCollector.collect(task, context, archive);
}
