import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BackupError } from '#common/errors.ts';
import type { Collector } from '#common/plugin/collector.ts';
import { Stages } from '#common/run/stages.ts';
import { collectorContext } from '#common/testing/collector-context.ts';
import { memoryArchive } from '#common/testing/memory-archive.ts';
import { memoryLog } from '#common/testing/memory-log.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import type { Service, Task } from './discover.ts';
import { InterventionLog } from './intervention-log.ts';
import { planService, type ServicePlan } from './plan/service-plan.ts';
import { collectService } from './service-lifecycle.ts';

it('without anything to stop the live tasks are collected before the others', async (given) => {
  const tasks = [given.task('files', { phase: 'quiesced' }), given.task('dump', { phase: 'live' })];
  assert.equal(await given.run(tasks), undefined);
  assert.deepEqual(given.events, ['dump: collect', 'files: collect']);
});

it('dumps are made before anything stops, and all is started again in the opposite order', async (given) => {
  const tasks = [
    given.task('web', { phase: 'quiesced', stop: {} }),
    given.task('worker', { phase: 'quiesced', stop: {} }),
    given.task('dump', { phase: 'live' }),
  ];
  assert.ok((await given.run(tasks)) !== undefined);
  assert.deepEqual(given.events, [
    'dump: collect',
    'web: begin stop',
    'worker: begin stop',
    'web: collect',
    'worker: collect',
    'worker: end stop',
    'web: end stop',
  ]);
  assert.deepEqual(await given.open(), []);
});

it('what a task collects from a snapshot alone is read after the service runs again', async (given) => {
  const tasks = [
    given.task('docker', { phase: 'quiesced', stop: {} }),
    given.task('zfs', { phase: 'quiesced', snapshot: { isComplete: true } }),
    given.task('mixed', { phase: 'quiesced', snapshot: { isComplete: false } }),
  ];
  await given.run(tasks);
  assert.deepEqual(given.events, [
    'docker: begin stop',
    'zfs: begin snapshot',
    'mixed: begin snapshot',
    'docker: collect',
    'mixed: collect from mixed-state',
    'docker: end stop',
    'zfs: collect from zfs-state',
    'mixed: end snapshot',
    'zfs: end snapshot',
  ]);
});

it('the plan names the same steps in the same order as the run takes', async (given) => {
  const tasks = [
    given.task('docker', { phase: 'quiesced', stop: {} }),
    given.task('dump', { phase: 'live' }),
    given.task('zfs', { phase: 'quiesced', snapshot: { isComplete: true } }),
    given.task('mixed', { phase: 'quiesced', stop: {}, snapshot: { isComplete: false } }),
    given.task('idle', { phase: 'quiesced', stop: { isRunning: false } }),
    given.task('export', { phase: 'live', cleanup: true }),
  ];
  const plan = await given.plan(tasks);
  await given.run(tasks);
  const words = { collect: 'collect', stop: 'begin stop', snapshot: 'begin snapshot' };
  const more = { 'start again': 'end stop', 'remove the snapshot': 'end snapshot', 'clean up': 'end cleanup' };
  assert.deepEqual(
    plan.steps.map(({ task, what }) => `${task}: ${{ ...words, ...more }[what]}`),
    given.events.filter((event) => event !== 'export: begin cleanup').map((event) => event.replace(/ from .*/, '')),
  );
});

it('what did not run is not stopped, and not started', async (given) => {
  const tasks = [given.task('docker', { phase: 'quiesced', stop: { isRunning: false } })];
  assert.equal(await given.run(tasks), undefined);
  assert.deepEqual(given.events, ['docker: collect']);
});

it('work before the stop is done while the service runs', async (given) => {
  const tasks = [
    given.task('docker', { phase: 'quiesced', stop: {} }),
    given.task('files', { phase: 'quiesced', prepare: true }),
  ];
  await given.run(tasks);
  assert.deepEqual(given.events.slice(0, 2), ['files: prepare', 'docker: begin stop']);
});

it('cleaning up is on the list before anything else, and done last of all', async (given) => {
  const tasks = [
    given.task('docker', { phase: 'quiesced', stop: {}, snapshot: { isComplete: true } }),
    given.task('export', { phase: 'live', cleanup: true }),
  ];
  await given.run(tasks);
  assert.deepEqual(given.events, [
    'export: begin cleanup',
    'export: collect',
    'docker: begin stop',
    'docker: begin snapshot',
    'docker: end stop',
    'docker: collect from docker-state',
    'docker: end snapshot',
    'export: end cleanup',
  ]);
});

it('cleaning up is done when the task fails before anything is stopped', async (given) => {
  given.failAt('export: collect');
  await assert.rejects(given.run([given.task('export', { phase: 'live', cleanup: true })]));
  assert.deepEqual(given.events, ['export: begin cleanup', 'export: collect', 'export: end cleanup']);
  assert.deepEqual(await given.open(), []);
});

it('the list of what is open is on disk before anything is touched', async (given) => {
  const seen: string[][] = [];
  const look = async () => void seen.push(await given.open());
  const tasks = [given.task('docker', { phase: 'quiesced', stop: { onBegin: look } })];
  await given.run(tasks);
  assert.deepEqual(seen, [['stop docker docker-state']]);
});

for (const failing of ['web: collect', 'web: begin stop', 'worker: begin stop', 'worker: begin snapshot'] as const) {
  it(`when "${failing}" fails, all that was begun is undone and the failure is that one`, async (given) => {
    given.failAt(failing);
    const tasks = [
      given.task('web', { phase: 'quiesced', stop: {} }),
      given.task('worker', { phase: 'quiesced', stop: {}, snapshot: { isComplete: false } }),
    ];
    await assert.rejects(given.run(tasks), { message: failing });
    const begun = given.events.filter((event) => event.includes(': begin'));
    const ended = given.events.filter((event) => event.includes(': end'));
    assert.deepEqual(ended.map((event) => event.replace('end', 'begin')).sort(), begun.sort());
    assert.deepEqual(await given.open(), []);
  });
}

it('a service that cannot be started again is a failure, the others are started, and the list keeps it', async (given) => {
  given.failAt('worker: end stop');
  const tasks = [
    given.task('web', { phase: 'quiesced', stop: {} }),
    given.task('worker', { phase: 'quiesced', stop: {} }),
  ];
  await assert.rejects(given.run(tasks), { message: 'test/service is not running again', hint: 'do something' });
  assert.equal(given.events.at(-1), 'web: end stop');
  assert.deepEqual(await given.open(), ['stop worker worker-state']);
});

it('a failure to start again does not hide the failure before it', async (given) => {
  given.failAt('web: collect', 'web: end stop');
  await assert.rejects(given.run([given.task('web', { phase: 'quiesced', stop: {} })]), { message: 'web: collect' });
  assert.deepEqual(given.stages.warnings, ['test/service is not running again; web: end stop; do something']);
});

interface Traits {
  readonly phase: 'live' | 'quiesced';
  readonly prepare?: boolean;
  readonly stop?: { readonly isRunning?: boolean; readonly onBegin?: () => Promise<void> };
  readonly snapshot?: { readonly isComplete: boolean };
  readonly cleanup?: boolean;
}

/** Services of tasks that write down what is done with them. */
class Given {
  readonly events: string[] = [];
  readonly stages = new Stages(memoryLog().log, () => new Date());
  readonly #failing = new Set<string>();
  readonly #log: InterventionLog;

  constructor(private readonly folder: string) {
    this.#log = new InterventionLog(folder);
  }

  failAt(...events: readonly string[]): void {
    for (const event of events) this.#failing.add(event);
  }

  async open(): Promise<string[]> {
    const names = await readdir(join(this.folder, 'interventions')).catch(() => []);
    const all = await this.#log.all();
    assert.equal(names.length, all.length);
    return all.map(({ kind, taskKey, state }) => `${kind} ${taskKey} ${state}`);
  }

  task(key: string, traits: Traits): Task {
    const { phase, prepare, stop, snapshot, cleanup } = traits;
    const intervention = (kind: string, isThere: boolean, onBegin?: () => Promise<void>) => ({
      plan: async () => (isThere ? `${key}-state` : undefined),
      describe: String,
      begin: async () => {
        await onBegin?.();
        this.#happen(`${key}: begin ${kind}`);
      },
      end: async () => this.#happen(`${key}: end ${kind}`),
    });
    const collector: Collector<unknown> = {
      name: key,
      taskKeys: [key],
      phase,
      schema: {},
      collect: async (_options, _context, _archive, state) =>
        this.#happen(`${key}: collect${state === undefined ? '' : ` from ${state}`}`),
      ...(prepare === true && { prepare: async () => this.#happen(`${key}: prepare`) }),
      ...(stop !== undefined && { stop: intervention('stop', stop.isRunning ?? true, stop.onBegin) }),
      ...(snapshot !== undefined && {
        snapshot: { ...intervention('snapshot', true), isComplete: () => snapshot.isComplete },
      }),
      ...(cleanup === true && { cleanup: intervention('cleanup', true) }),
    };
    return { key, collector, options: undefined };
  }

  async run(tasks: readonly Task[]): Promise<number | undefined> {
    let downtimeMs: number | undefined;
    await collectService(this.#service(tasks), memoryArchive(), {
      stages: this.stages,
      now: () => new Date(),
      interventions: this.#log,
      contextOf: this.#contextOf,
      recoveryContextOf: this.#contextOf,
      onDowntime: (ms) => {
        downtimeMs = ms;
      },
      afterTask: async () => undefined,
    });
    return downtimeMs;
  }

  plan(tasks: readonly Task[]): Promise<ServicePlan> {
    return planService(this.#service(tasks), this.#contextOf);
  }

  readonly #contextOf = ({ key }: Task) => collectorContext(this.folder, key);

  #service(tasks: readonly Task[]): Service {
    const file = join(this.folder, 'service.yaml');
    return { type: 'test', name: 'service', file, tasks, maxDowntimeMs: undefined, resumeTimeoutMs: 10_000 };
  }

  #happen(event: string): void {
    this.events.push(event);
    if (this.#failing.has(event)) throw new BackupError(event, { hint: 'do something' });
  }
}

function it(title: string, check: (given: Given) => Promise<void>): void {
  test(title, async (context) => check(new Given(await tempFolder(context))));
}
