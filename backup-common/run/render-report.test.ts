import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, part, run } from '../testing/sample-reports.ts';
import { renderReport } from './render-report.ts';

test('a run that went well is its result, its time and a line for each part', () => {
  const parts = [part({ facts: { archive: 'web-20260301_020000.tar.gz', files: 3 } }), part({ name: 'mail' })];
  assert.equal(
    renderReport(run({ parts })),
    [
      'backup-server on vault.example.org: done',
      'from 2026-03-01T04:00:00.000Z to 2026-03-01T04:02:00.000Z',
      '',
      'ok       web (1.5 s): archive web-20260301_020000.tar.gz, files 3',
      'ok       mail (1.5 s)',
      '',
    ].join('\n'),
  );
});

test('what needs a look says what failed where, why, and what to do', () => {
  const parts = [
    part({ outcome: 'failed', failure }),
    part({ name: 'mail', outcome: 'warning', warnings: ['a file changed'] }),
    part({ name: 'dns', outcome: 'skipped', skip: { kind: 'duplicate', reason: 'It is stored already.' } }),
  ];
  assert.equal(
    renderReport(run({ outcome: 'failed', parts })),
    [
      'backup-server on vault.example.org: FAILED',
      'from 2026-03-01T04:00:00.000Z to 2026-03-01T04:02:00.000Z',
      '',
      'FAILED   web (1.5 s)',
      '  failed at "fetch": cannot fetch web-20260301_020000.tar.gz',
      '    because the connection was closed',
      '    → Look at the network.',
      'WARNING  mail (1.5 s)',
      '  warning: a file changed',
      'skipped  dns (1.5 s)',
      '  It is stored already.',
      '',
    ].join('\n'),
  );
});

test('a failure and warnings of the run itself stand below its parts, its facts at the end', () => {
  const report = run({
    outcome: 'failed',
    parts: [part()],
    warnings: ['no mail could be sent'],
    failure: { stage: undefined, messages: ['the disk is full'], hint: undefined, kind: undefined },
    facts: { archive: 'none' },
  });
  assert.deepEqual(renderReport(report).split('\n').slice(4), [
    '  warning: no mail could be sent',
    '  failed: the disk is full',
    '  archive: none',
    '',
  ]);
});

for (const [dryRun, outcome, first] of [
  [true, 'ok', 'backup-server on vault.example.org: done (dry run, nothing was changed)'],
  [false, 'warning', 'backup-server on vault.example.org: done, with remarks'],
  [true, 'failed', 'backup-server on vault.example.org: FAILED (dry run, nothing was changed)'],
] as const) {
  test(`the first line of ${dryRun ? 'a dry run' : 'a run'} that is ${outcome}`, () => {
    assert.equal(renderReport(run({ dryRun, outcome })).split('\n')[0], first);
  });
}
