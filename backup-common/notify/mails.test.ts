import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartReport, RunReport } from '../run/report.ts';
import { failure, part, run } from '../testing/sample-reports.ts';
import { clientMails, maintenanceMails, serverMails } from './mails.ts';

const settings = { adminEmail: 'admin@example.org', subjectPrefix: '[Backup]' };
const failed = (name: string) => part({ name, outcome: 'failed', failure });
const skipped = (kind: string) => part({ outcome: 'skipped', skip: { kind, reason: 'The reason.' } });
const client = (more: Partial<RunReport>) => run({ program: 'local-backup', hostname: 'web.example.org', ...more });
const lockFailure = { ...failure, kind: 'shared-lock' };

const clientCases: ReadonlyArray<readonly [title: string, report: RunReport, subject: string | undefined]> = [
  ['that went well', client({}), undefined],
  ['with warnings', client({ outcome: 'warning', warnings: ['x'] }), undefined],
  ['that failed', client({ outcome: 'failed', failure }), '[Backup] web.example.org - Backup FAILED'],
  [
    'of which services failed',
    client({ outcome: 'failed', parts: [failed('docker/shop'), part(), failed('other/dns')] }),
    '[Backup] web.example.org - Backup FAILED for docker/shop, other/dns',
  ],
  [
    'that did not get the lock',
    client({ outcome: 'failed', failure: lockFailure }),
    '[Backup] web.example.org - SHARED LOCK FAILED (TAR Creation)',
  ],
];
for (const [title, report, subject] of clientCases) {
  test(`a client's run ${title} sends ${subject === undefined ? 'no mail' : `"${subject}"`}`, () => {
    const mails = clientMails(report, settings);
    assert.deepEqual(
      mails.map(({ to, subject: each, isUrgent }) => [to, each, isUrgent]),
      subject === undefined ? [] : [['admin@example.org', subject, true]],
    );
  });
}

const hostCases: ReadonlyArray<readonly [host: PartReport, subject: string | undefined, isUrgent?: boolean]> = [
  [part(), undefined],
  [part({ outcome: 'warning', warnings: ['x'] }), undefined],
  [failed('web'), '[Backup] Backup FAILED for host web', true],
  [skipped('lock'), '[Backup] Backup SKIPPED for host web (Client TAR Lock)'],
  [skipped('duplicate'), '[Backup] Backup SKIPPED for host web (Exact snapshot exists)'],
  [skipped('older'), '[Backup] Backup SKIPPED for host web (Older TAR found)'],
  [skipped('absent'), '[Backup] Backup SKIPPED for host web (Host absent)'],
  [skipped('nothing-new'), '[Backup] Backup SKIPPED for host web (No new archive)'],
  [skipped('something-else'), '[Backup] Backup SKIPPED for host web (something-else)'],
];
for (const [host, subject, isUrgent = false] of hostCases) {
  const what = host.skip === undefined ? host.outcome : `skipped (${host.skip.kind})`;
  test(`a host that was ${what} sends ${subject === undefined ? 'no mail of its own' : `"${subject}"`}`, () => {
    const mails = serverMails(run({ parts: [host] }), settings).slice(0, -1);
    assert.deepEqual(
      mails.map((mail) => [mail.subject, mail.isUrgent]),
      subject === undefined ? [] : [[subject, isUrgent]],
    );
  });
}

const summaryCases: ReadonlyArray<readonly [report: RunReport, subject: string, isUrgent: boolean]> = [
  [run({ parts: [part()] }), '[Backup] vault.example.org - Backup Run SUCCESSFUL', false],
  [run({ outcome: 'warning', warnings: ['x'] }), '[Backup] vault.example.org - Backup Run SUCCESSFUL', false],
  [
    run({ outcome: 'warning', parts: [part(), skipped('duplicate')] }),
    '[Backup] vault.example.org - Backup Run COMPLETED WITH SKIPS',
    false,
  ],
  [
    run({ outcome: 'failed', parts: [failed('web'), skipped('lock')] }),
    '[Backup] vault.example.org - Backup Run COMPLETED WITH ERRORS',
    true,
  ],
  [run({ outcome: 'failed', failure }), '[Backup] vault.example.org - Backup Run COMPLETED WITH ERRORS', true],
  [run({ dryRun: true }), '[DRY-RUN] [Backup] vault.example.org - Backup Run SUCCESSFUL', false],
];
for (const [report, subject, isUrgent] of summaryCases) {
  test(`every run of the server ends with a summary: "${subject}"`, () => {
    const summary = serverMails(report, settings).at(-1);
    assert.deepEqual([summary?.subject, summary?.isUrgent, summary?.to], [subject, isUrgent, 'admin@example.org']);
  });
}

const maintenanceCases: ReadonlyArray<readonly [report: RunReport, subject: string | undefined]> = [
  [run({ parts: [part()] }), undefined],
  [run({ outcome: 'warning', warnings: ['x'] }), undefined],
  [run({ outcome: 'failed', failure }), '[Backup] vault.example.org - Maintenance FAILED'],
  [
    run({ outcome: 'failed', parts: [failed('web'), part({ name: 'dns' }), failed('mail')] }),
    '[Backup] vault.example.org - Maintenance FAILED for web, mail',
  ],
  [run({ outcome: 'failed', dryRun: true, failure }), '[DRY-RUN] [Backup] vault.example.org - Maintenance FAILED'],
];
for (const [report, subject] of maintenanceCases) {
  test(`maintenance that is ${report.outcome} sends ${subject === undefined ? 'no mail' : `"${subject}"`}`, () => {
    const mails = maintenanceMails(report, settings);
    assert.deepEqual(
      mails.map((mail) => [mail.subject, mail.isUrgent]),
      subject === undefined ? [] : [[subject, true]],
    );
  });
}

test('a host with a recipient of its own tells it, and the summary goes to the administrator', () => {
  const own = { ...settings, adminEmailOf: (host: string) => (host === 'web' ? 'web-team@example.org' : undefined) };
  const mails = serverMails(run({ outcome: 'failed', parts: [failed('web'), failed('mail')] }), own);
  assert.deepEqual(
    mails.map(({ to }) => to),
    ['web-team@example.org', 'admin@example.org', 'admin@example.org'],
  );
});

test('without an administrator only the hosts with recipients of their own tell them', () => {
  const own = { ...settings, adminEmail: undefined, adminEmailOf: () => 'web-team@example.org' };
  const report = run({ outcome: 'failed', failure, parts: [failed('web')] });
  assert.deepEqual(
    serverMails(report, own).map(({ to }) => to),
    ['web-team@example.org'],
  );
  assert.deepEqual([...clientMails(report, own), ...maintenanceMails(report, own)], []);
});

test('an empty prefix leaves no blank before the subject', () => {
  const [mail] = serverMails(run(), { ...settings, subjectPrefix: '' });
  assert.equal(mail?.subject, 'vault.example.org - Backup Run SUCCESSFUL');
});

test('the mail of a host says which step failed, why and what to do, and which run it was', () => {
  const [mail] = serverMails(run({ outcome: 'failed', parts: [failed('web')] }), settings);
  assert.equal(
    mail?.text,
    [
      'FAILED   web (1.5 s)',
      '  failed at "fetch": cannot fetch web-20260301_020000.tar.gz',
      '    because the connection was closed',
      '    → Look at the network.',
      '',
      'backup-server on vault.example.org, 2026-03-01T04:00:00.000Z',
    ].join('\n'),
  );
});
