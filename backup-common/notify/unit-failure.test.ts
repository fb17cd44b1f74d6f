import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTold, unitFailure, unitFailureMail } from './unit-failure.ts';

const monitored = (result: string, status: string) =>
  unitFailure('local-backup.service', { MONITOR_SERVICE_RESULT: result, MONITOR_EXIT_STATUS: status });

describe('a unit that failed', () => {
  const endings: ReadonlyArray<readonly [result: string, status: string, isTold: boolean]> = [
    ['exit-code', '1', true], // the run came to its end and has mailed
    ['exit-code', '2', false], // a wrong configuration
    ['exit-code', '70', false],
    ['exit-code', '75', false],
    ['signal', 'KILL', false],
    ['timeout', '143', false],
    ['oom-kill', 'KILL', false],
  ];
  for (const [result, status, told] of endings) {
    test(`by ${result} ${status} ${told ? 'has told of it itself' : 'is told of'}`, () => {
      assert.equal(isTold(monitored(result, status)), told);
    });
  }

  test('is named in the subject with the way it ended, and its last lines are in the text', () => {
    const mail = unitFailureMail(monitored('signal', 'KILL'), 'web', 'first\nlast\n');
    assert.equal(mail.subject, '[Backup] web - local-backup.service FAILED (signal KILL)');
    assert.match(mail.text, /\nfirst\nlast\n\nMore: journalctl --unit=local-backup\.service$/);
    assert.ok(mail.isUrgent);
  });

  test('is told of without systemd saying how, and without a journal', () => {
    const mail = unitFailureMail(unitFailure('a.service', {}), 'web', '');
    assert.equal(mail.subject, '[Backup] web - a.service FAILED (failed)');
    assert.match(mail.text, /\n\(none\)\n/);
  });
});
