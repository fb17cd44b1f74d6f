import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupError } from '../errors.ts';
import { memoryLog } from '../testing/memory-log.ts';
import { Stages } from './stages.ts';

/** Each look at the clock finds it a second later. */
function tickingStages() {
  const { log, lines } = memoryLog();
  let second = 0;
  return { stages: new Stages(log, () => new Date(Date.UTC(2026, 2, 1, 2, 0, second++))), lines };
}

const failWith = (error: unknown) => () => Promise.reject(error);

test('a stage gives its result, its time and its outcome', async () => {
  const { stages, lines } = tickingStages();
  assert.equal(await stages.run('count', () => 3), 3);
  assert.deepEqual(stages.records, [
    { name: 'count', outcome: 'ok', startedAt: '2026-03-01T02:00:00.000Z', durationMs: 1000 },
  ]);
  assert.deepEqual(
    lines.map(({ level, bindings, message }) => [level, bindings, message]),
    [
      ['info', { stage: 'count' }, 'stage begins'],
      ['info', { stage: 'count', outcome: 'ok', durationMs: 1000 }, 'stage ends'],
    ],
  );
});

test('a stage that fails is recorded, lets the error through and is named by the failure', async () => {
  const { stages } = tickingStages();
  const cause = new BackupError('the link broke', { hint: 'Mend it.', kind: 'link' });
  const error = new Error('nothing fetched', { cause });
  await stages.run('connect', () => undefined);
  await assert.rejects(stages.run('fetch', failWith(error)), error);
  assert.deepEqual(
    stages.records.map(({ name, outcome }) => [name, outcome]),
    [
      ['connect', 'ok'],
      ['fetch', 'failed'],
    ],
  );
  const expected = { stage: 'fetch', messages: ['nothing fetched', 'the link broke'], hint: 'Mend it.', kind: 'link' };
  assert.deepEqual(stages.failureOf(error), expected);
});

test('what throws at once, without a promise, is recorded too', async () => {
  const { stages } = tickingStages();
  const thrower = () => {
    throw new Error('at once');
  };
  await assert.rejects(stages.run('fetch', thrower), /at once/);
  assert.equal(stages.records[0]?.outcome, 'failed');
});

test('of stages within stages the innermost is named, also when the outer one adds to the error', async () => {
  const { stages } = tickingStages();
  const inner = () => stages.run('inner', failWith(new Error('root')));
  const outer = stages.run('outer', () =>
    inner().catch((cause: unknown) => {
      throw new Error('more', { cause });
    }),
  );
  const error = await outer.catch((caught: unknown) => caught);
  assert.deepEqual(stages.failureOf(error).stage, 'inner');
  assert.deepEqual(stages.failureOf(error).messages, ['more', 'root']);
});

test('a stage whose failure was dealt with is not named by a later failure', async () => {
  const { stages } = tickingStages();
  await stages.run('first try', failWith(new Error('a'))).catch(() => undefined);
  const error = await stages.run('second try', failWith(new Error('b'))).catch((caught: unknown) => caught);
  assert.equal(stages.failureOf(error).stage, 'second try');

  await stages.run('third try', () => undefined);
  assert.equal(stages.failureOf(new Error('outside of all stages')).stage, undefined);
});

test('a stage that puts things right after a failure does not make it forgotten', async () => {
  const { stages } = tickingStages();
  const error = new Error('tar failed');
  await stages.run('collect', failWith(error)).catch(() => undefined);
  await stages.run('resume', () => undefined);
  assert.equal(stages.failureOf(error).stage, 'collect');
});

test('the reason of an abort names the stage that it ended', async () => {
  const { stages } = tickingStages();
  await stages.run('fetch', failWith(new Error('tar was ended'))).catch(() => undefined);
  assert.deepEqual(stages.failureOf(new BackupError('ended by SIGTERM')), {
    stage: 'fetch',
    messages: ['ended by SIGTERM'],
    hint: undefined,
    kind: undefined,
  });
});

test('warnings are kept in their order and logged', () => {
  const { stages, lines } = tickingStages();
  stages.warn('one');
  stages.warn('two');
  assert.deepEqual(stages.warnings, ['one', 'two']);
  assert.deepEqual(
    lines.map(({ level, message }) => [level, message]),
    [
      ['warn', 'one'],
      ['warn', 'two'],
    ],
  );
});
