import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { collectorContext } from '../testing/collector-context.ts';
import { memoryArchive } from '../testing/memory-archive.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import type { Collector } from './collector.ts';
import { guardedCollector, importPlugin } from './module-plugin.ts';

describe('a module', () => {
  it('has its collector as the default, or under its name', async ({ load }) => {
    assert.equal(await load('export default 1; export const collector = 2;'), 1);
    assert.equal(await load('export const collector = 2;'), 2);
    assert.equal(await load('export const other = 3;'), undefined);
  });

  it('with a mistake in its syntax is told with how to find it', async ({ load, path }) => {
    await assert.rejects(load('export default {\n  name: "x",,\n};'), {
      name: 'BackupError',
      message: "cannot be loaded: Unexpected token ','",
      hint: `"node --check ${path()}" shows the place.`,
    });
  });

  it('that fails when it is loaded is told with its place', async ({ load, path }) => {
    await assert.rejects(load('\nthrow new Error("no license");'), {
      message: 'cannot be loaded: no license',
      hint: `Look at ${path()}:2:7.`,
    });
  });

  it('that never comes to its end is not waited for', async ({ path }) => {
    await writeFile(path(), 'await new Promise(() => undefined);');
    await assert.rejects(importPlugin(path(), 50), { message: 'cannot be loaded: it takes longer than 0.05 s' });
  });
});

describe('what a module throws', () => {
  const throwing = `
    export default {
      name: 'mine', taskKeys: ['mine'], phase: 'quiesced', schema: {},
      secret: 'kept',
      async check() { throw new Error('no ' + this.secret); },
      skip() { throw Object.assign(new Error('no access'), { hint: 'Ask for it.' }); },
      async collect() { throw 'a text'; },
      stop: {
        async plan() { return { x: 1 }; },
        describe: ({ x }) => 'x' + x,
        async begin() { null.begin; },
        async end() {},
      },
    };`;

  it('is an expected failure with its place, or the hint that it has', async ({ load, path, context }) => {
    const { check, skip, collect } = guardedCollector((await load(throwing)) as Collector<unknown>, path());
    const rejects = (call: () => unknown, message: string, hint: string) =>
      assert.rejects(async () => call(), { name: 'BackupError', message, hint });
    await rejects(() => check?.({}, context), 'mine: no kept', `Look at ${path()}:5:29.`);
    await rejects(() => skip?.({}, context), 'mine: no access', 'Ask for it.');
    await rejects(() => collect({}, context, memoryArchive()), 'mine: a text', `Look at ${path()}.`);
  });

  it('is so also in what it stops, and the rest works', async ({ load, path, context }) => {
    const { stop, snapshot } = guardedCollector((await load(throwing)) as Collector<unknown>, path());
    const state = (await stop?.plan({}, context)) as never;
    assert.deepEqual([state, stop?.describe(state), snapshot], [{ x: 1 }, 'x1', undefined]);
    await assert.rejects(async () => stop?.begin(state, context), {
      name: 'BackupError',
      message: "mine: Cannot read properties of null (reading 'begin')",
      hint: /^Look at .*\.mjs:11:\d+\.$/,
    });
    await stop?.end(state, context);
  });
});

interface Given {
  readonly context: ReturnType<typeof collectorContext>;
  /** Of the module that was loaded last. */
  path(): string;
  load(text: string): Promise<unknown>;
}

function it(title: string, check: (given: Given) => Promise<void>): void {
  test(title, async (test) => {
    const folder = await tempFolder(test);
    let count = 0; // a module is loaded only once under its name
    const path = () => join(folder, `module-${count}.mjs`);
    const load = async (text: string) => {
      count += 1;
      await writeFile(path(), text);
      return importPlugin(path());
    };
    await check({ context: collectorContext(folder, 'mine'), path, load });
  });
}
