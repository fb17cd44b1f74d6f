import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BackupError } from '#common/errors.ts';
import type { Collector, RecoveryContext } from '#common/plugin/collector.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContext } from '#common/testing/collector-context.ts';
import { memoryLog } from '#common/testing/memory-log.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { InterventionLog, type OpenIntervention } from './intervention-log.ts';
import { recoveryContext, undoAll } from './undo.ts';

const service = { type: 'docker', name: 'shop' };
const stop = (taskKey: string): OpenIntervention => ({ service, taskKey, kind: 'stop', state: `state of ${taskKey}` });

test('what is open is undone with its state, the newest first, and is open no more', async (t) => {
  const { log, undone, tools } = await given(t);
  await log.open(stop('first'));
  await log.open({ ...stop('second'), kind: 'snapshot' });
  const { done, failures } = await undoAll(log, [undone.collector('first'), undone.collector('second')], tools);
  assert.deepEqual(undone.events, ['snapshot: state of second', 'stop: state of first']);
  assert.deepEqual(done, [
    'docker/shop: snapshot removed after an interrupted run (second)',
    'docker/shop: started again after an interrupted run (first)',
  ]);
  assert.deepEqual([failures, await log.all()], [[], []]);
});

test('what cannot be undone stays on the list with its reason, and does not keep the rest', async (t) => {
  const { log, undone, tools } = await given(t);
  await log.open(stop('good'));
  await log.open(stop('bad'));
  await log.open(stop('unknown'));
  const { done, failures } = await undoAll(log, [undone.collector('good'), undone.collector('bad')], tools);
  assert.deepEqual(done, ['docker/shop: started again after an interrupted run (good)']);
  assert.deepEqual(
    failures.map(({ message, hint }) => [message.replace(/.*\/interventions/, '…'), hint]),
    [
      [
        '…/000003.json is of the task "unknown", which no collector answers to',
        'Bring the plugin back, or undo by hand what the file says and remove it.',
      ],
      ['docker/shop is not running again', 'look at the daemon'],
    ],
  );
  assert.deepEqual(
    (await log.all()).map(({ taskKey }) => taskKey),
    ['unknown', 'bad'],
  );
});

test('a list that cannot be read is an error that says what to look at', async (t) => {
  const { log, tools, folder } = await given(t);
  const { file } = await log.open(stop('first'));
  await writeFile(file, 'half of it');
  await assert.rejects(undoAll(log, [], tools), {
    message: `cannot read ${join(folder, 'interventions/000001.json')}, which says what a run had stopped`,
  });
});

test('undoing has a limited time, and its programs do not end with the run', async (t) => {
  const { tools } = await given(t);
  const context = recoveryContext(service, 'docker', 50, tools);
  const { signal } = await context.runner.run({ file: 'sleep', args: ['60'] });
  assert.deepEqual([signal, context.signal.aborted], ['SIGTERM', true]);
});

/** Collectors that write down what they undo; "bad" cannot. */
class Undone {
  readonly events: string[] = [];

  collector(key: string): Collector {
    const end = (kind: string) => async (state: unknown, _context: RecoveryContext) => {
      if (key === 'bad') throw new BackupError('the daemon is down', { hint: 'look at the daemon' });
      this.events.push(`${kind}: ${state}`);
    };
    const nothing = { plan: async () => undefined, describe: String, begin: async () => undefined };
    return {
      name: key,
      taskKeys: [key],
      phase: 'quiesced',
      schema: {},
      stop: { ...nothing, end: end('stop') },
      snapshot: { ...nothing, end: end('snapshot'), isComplete: () => true },
      collect: async () => undefined,
    };
  }
}

async function given(t: Parameters<typeof tempFolder>[0]) {
  const folder = await tempFolder(t);
  const { log } = memoryLog();
  const tools = {
    log,
    now: () => new Date(),
    commands: collectorContext(folder, 'docker').tools,
    lastingRunner: execaRunner,
    warn: () => undefined,
  };
  return { folder, log: new InterventionLog(folder), undone: new Undone(), tools };
}
