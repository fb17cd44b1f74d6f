import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, part, run } from '../testing/sample-reports.ts';
import type { Outcome } from './report.ts';
import { exitCodeOf, runReport } from './run-report.ts';

const cases: ReadonlyArray<readonly [parts: readonly Outcome[], outcome: Outcome, exitCode: number]> = [
  [[], 'ok', 0],
  [['ok', 'ok'], 'ok', 0],
  [['ok', 'warning'], 'warning', 0],
  [['ok', 'skipped'], 'warning', 0],
  [['skipped', 'skipped'], 'warning', 0],
  [['ok', 'warning', 'failed'], 'failed', 1],
  [['failed', 'ok'], 'failed', 1],
];
for (const [outcomes, outcome, exitCode] of cases) {
  test(`parts that were ${outcomes.join(', ') || 'none'} make a run that is ${outcome}: exit code ${exitCode}`, () => {
    const parts = outcomes.map((each) => part({ outcome: each }));
    const report = runReport(run({ parts }));
    assert.deepEqual([report.outcome, exitCodeOf(report)], [outcome, exitCode]);
  });
}

test('a warning of the run itself makes it a warning', () => {
  const report = runReport(run({ parts: [part()], warnings: ['no mail could be sent'] }));
  assert.deepEqual([report.outcome, exitCodeOf(report)], ['warning', 0]);
});

test('a failure of the run itself makes it failed, however well its parts went', () => {
  const report = runReport(run({ parts: [part()], failure }));
  assert.deepEqual([report.outcome, exitCodeOf(report), report.failure], ['failed', 1, failure]);
});
