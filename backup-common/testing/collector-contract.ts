import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { escapeBytes } from '../archive/byte-path.ts';
import { walkTree } from '../archive/walk-tree.ts';
import { checkSchema } from '../config/json-schema.ts';
import { formatProblem, Problems } from '../config/problems.ts';
import { parseYaml } from '../config/yaml-source.ts';
import { BackupError } from '../errors.ts';
import type { Collector, Intervention } from '../plugin/collector.ts';
import { collectorContext, type TestContext } from './collector-context.ts';
import { type MemoryArchive, memoryArchive } from './memory-archive.ts';
import { tempFolder } from './temp-folder.ts';

/** A task for the collector under test. */
export interface CollectorExample {
  /** The task's value in service.yaml, after making what it reads in an empty folder. */
  options(folder: string): Promise<unknown>;
  /** All that the archive holds afterwards. */
  readonly holds: readonly string[];
}

export interface CollectorExamples {
  readonly good: CollectorExample;
  /** A task that its schema allows and that cannot be done. */
  readonly failing: Pick<CollectorExample, 'options'>;
}

/** What every collector must do, whatever it collects. */
export function collectorContract(subject: Collector, examples: CollectorExamples): void {
  const collector = subject as Collector<unknown>; // its options come from its own schema
  const it = (title: string, example: Pick<CollectorExample, 'options'>, check: (task: TestTask) => Promise<void>) =>
    test(title, async (context) => check(await taskIn(await tempFolder(context), collector, example)));

  describe(`the collector ${collector.name} keeps the contract`, () => {
    test('its name and keys are plain words', () => {
      assert.ok(collector.taskKeys.length > 0);
      for (const word of [collector.name, ...collector.taskKeys]) assert.match(word, /^[a-z][a-z0-9_]*$/);
      assert.equal(new Set(collector.taskKeys).size, collector.taskKeys.length);
    });

    test('its schema describes itself and every property, and lets no unknown key pass', () => {
      assert.deepEqual(gapsIn(collector.schema, collector.name), []);
    });

    it('a good task passes its check, which changes nothing and warns of nothing', examples.good, async (task) => {
      const before = factsOf(task.folder);
      await collector.check?.(task.options, task.context);
      assert.deepEqual(factsOf(task.folder), before);
      assert.deepEqual(task.context.warnings, []);
    });

    it('collecting gives all that belongs to the task and leaves the source as it was', examples.good, async (task) => {
      const before = factsOf(task.source);
      await collect(collector, task);
      assert.deepEqual([...task.archive.entries.keys()], examples.good.holds);
      assert.deepEqual(factsOf(task.source), before);
    });

    it('collecting once more gives the same', examples.good, async (task) => {
      await collect(collector, task);
      const again = { ...task, archive: memoryArchive() };
      await collect(collector, again);
      assert.deepEqual(again.archive.entries, task.archive.entries);
    });

    it('a task that cannot be done fails with a hint and leaves nothing of itself', examples.failing, async (task) => {
      await assert.rejects(
        collect(collector, task),
        (error) => error instanceof BackupError && error.hint !== undefined,
      );
      assert.deepEqual([...task.archive.entries.keys()], []);
    });
  });
}

interface TestTask {
  /** Holds the source and the context's folder. */
  readonly folder: string;
  readonly source: string;
  readonly options: unknown;
  readonly context: TestContext;
  readonly archive: MemoryArchive;
}

async function taskIn(
  folder: string,
  collector: Collector<unknown>,
  example: Pick<CollectorExample, 'options'>,
): Promise<TestTask> {
  const [source, work] = [join(folder, 'source'), join(folder, 'work')];
  await mkdir(source);
  await mkdir(work);
  const options = withDefaults(collector, await example.options(source));
  const context = collectorContext(work, collector.taskKeys[0] ?? '');
  return { folder, source, options, context, archive: memoryArchive() };
}

/** Options as service.yaml gives them: checked by the schema, whose defaults are filled in. */
export function withDefaults(collector: Collector<unknown>, options: unknown): unknown {
  const problems = new Problems();
  const source = parseYaml('service.yaml', JSON.stringify(options), problems);
  const value = source === undefined ? undefined : checkSchema(source, collector.schema);
  assert.deepEqual(problems.list.map(formatProblem), []);
  return value;
}

/** From the task's snapshot, if it has one. */
async function collect(collector: Collector<unknown>, { options, context, archive }: TestTask): Promise<void> {
  await collector.check?.(options, context);
  const state = await collector.snapshot?.plan(options, context);
  try {
    if (state !== undefined) await collector.snapshot?.begin(state, context);
    await collector.collect(options, context, archive, state);
  } finally {
    if (state !== undefined) await collector.snapshot?.end(state, context);
  }
}

/** Where a schema says too little: a description that is missing, a map that takes any key. */
function gapsIn(schema: unknown, place: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { description, properties, additionalProperties, items, anyOf } = schema as Readonly<Record<string, unknown>>;
  const below = Object.entries((properties ?? {}) as object);
  return [
    ...(/[.]properties[.][^.]+$|^[^.]+$/.test(place) && typeof description !== 'string'
      ? [`${place}: no description`]
      : []),
    ...(properties !== undefined && additionalProperties !== false ? [`${place}: takes unknown keys`] : []),
    ...below.flatMap(([key, value]) => gapsIn(value, `${place}.properties.${key}`)),
    ...gapsIn(items, `${place}.items`),
    ...(Array.isArray(anyOf) ? anyOf.flatMap((branch, index) => gapsIn(branch, `${place}.anyOf.${index}`)) : []),
  ];
}

/** All that would tell that somebody wrote below a folder. */
function factsOf(folder: string): string[] {
  return [...walkTree(folder)].map(({ path, stat }) =>
    [escapeBytes(path), stat.ino, stat.type, stat.mode, stat.uid, stat.gid, stat.size, stat.mtimeNs, stat.ctimeNs].join(
      ' ',
    ),
  );
}

/** Something that a collector stops, or takes a snapshot of. */
export interface InterventionExample {
  /** A task with something to do, after making what it works on. */
  options(folder: string): Promise<unknown>;
  /** All that could be seen of it from outside: what runs, which snapshots there are. */
  world(): Promise<unknown>;
}

/** What every stop and every snapshot must do. The world is as before when it is undone, however far it had come. */
export function interventionContract(
  subject: Collector,
  kind: 'stop' | 'snapshot',
  example: InterventionExample,
): void {
  const collector = subject as Collector<unknown>;
  const { world } = example;
  const it = (title: string, check: (intervention: Intervention<unknown>, task: TestTask) => Promise<void>) =>
    test(title, async (context) => {
      const intervention = collector[kind];
      assert.ok(intervention !== undefined, `${collector.name} has no ${kind}`);
      await check(intervention, await taskIn(await tempFolder(context), collector, example));
    });
  const planned = async (intervention: Intervention<unknown>, { options, context }: TestTask): Promise<unknown> => {
    const state = await intervention.plan(options, context);
    assert.ok(state !== undefined, 'there is nothing to do');
    assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
    return state;
  };

  describe(`the ${kind} of ${collector.name} keeps the contract`, () => {
    it('planning changes nothing, and gives plain data that says what is meant', async (intervention, task) => {
      const before = await world();
      const state = await planned(intervention, task);
      assert.match(intervention.describe(state), /\w/);
      assert.deepEqual(await world(), before);
    });

    it('it can be undone, also twice', async (intervention, task) => {
      const before = await world();
      const state = await planned(intervention, task);
      await intervention.begin(state, task.context);
      assert.notDeepEqual(await world(), before);
      await intervention.end(state, task.context);
      assert.deepEqual(await world(), before);
      await intervention.end(state, task.context);
      assert.deepEqual(await world(), before);
    });

    it('it can be undone though it was never begun', async (intervention, task) => {
      const before = await world();
      await intervention.end(await planned(intervention, task), task.context);
      assert.deepEqual(await world(), before);
    });
  });
}
