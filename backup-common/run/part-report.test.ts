import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupError } from '../errors.ts';
import { memoryLog } from '../testing/memory-log.ts';
import { type PartResult, partReport } from './part-report.ts';
import type { Stages } from './stages.ts';

function reportOf(body: (stages: Stages) => Promise<PartResult>, signal = new AbortController().signal) {
  const { log, lines } = memoryLog();
  let second = 0;
  const now = () => new Date(Date.UTC(2026, 2, 1, 2, 0, second++));
  return { report: partReport('web', { log, now, signal }, body), lines };
}

test('a part that goes well is ok and tells its facts', async () => {
  const report = await reportOf(async () => ({ facts: { files: 3 } })).report;
  assert.deepEqual(report, {
    name: 'web',
    outcome: 'ok',
    startedAt: '2026-03-01T02:00:00.000Z',
    durationMs: 1000,
    stages: [],
    warnings: [],
    failure: undefined,
    skip: undefined,
    facts: { files: 3 },
  });
});

test('a warning makes a part a warning', async () => {
  const { report } = reportOf(async (stages) => {
    stages.warn('a file changed');
    return {};
  });
  const { outcome, warnings } = await report;
  assert.deepEqual([outcome, warnings], ['warning', ['a file changed']]);
});

test('a part that says so is skipped, with the reason, also when there was a warning', async () => {
  const skip = { kind: 'duplicate', reason: 'it is stored already' };
  const { report } = reportOf(async (stages) => {
    stages.warn('an archive from the future');
    return { skip };
  });
  const { outcome, skip: told } = await report;
  assert.deepEqual([outcome, told], ['skipped', skip]);
});

test('an expected failure becomes the report and one line of the log, without a stack', async () => {
  const { report, lines } = reportOf((stages) =>
    stages.run('fetch', () => Promise.reject(new BackupError('no link', { hint: 'Plug it in.', kind: 'link' }))),
  );
  const { outcome, failure, stages } = await report;
  assert.equal(outcome, 'failed');
  assert.deepEqual(failure, { stage: 'fetch', messages: ['no link'], hint: 'Plug it in.', kind: 'link' });
  assert.equal(stages[0]?.outcome, 'failed');
  const errors = lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, [{ level: 'error', bindings: { stage: 'fetch' }, message: 'no link' }]);
});

test('a bug of ours fails this part only, and the log has its stack', async () => {
  const { report, lines } = reportOf(() => Promise.reject(new TypeError('x is not y')));
  assert.equal((await report).outcome, 'failed');
  assert.match(String(lines.find(({ level }) => level === 'error')?.bindings.stack), /^TypeError: x is not y\n +at /);
});

test('the abort of the whole run passes through with its own reason', async () => {
  const stop = new AbortController();
  const reason = new BackupError('ended by SIGTERM');
  const { report } = reportOf(async () => {
    stop.abort(reason);
    throw new Error('tar was ended');
  }, stop.signal);
  await assert.rejects(report, reason);
});
