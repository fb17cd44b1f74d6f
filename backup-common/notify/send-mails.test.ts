import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandResult } from '../process/command.ts';
import { memoryLog } from '../testing/memory-log.ts';
import type { Mail } from './mail.ts';
import { sendMails } from './send-mails.ts';

const mailTo = (to: string): Mail => ({ to, subject: `for ${to}`, text: '', isUrgent: false });
const result: CommandResult = {
  exitCode: 0,
  signal: undefined,
  timedOut: false,
  stdout: '',
  stderr: '',
  durationMs: 1,
};

test('a mail that cannot be sent is a warning, and the others are sent', async () => {
  const sent: Array<string | undefined> = [];
  const runner = {
    run: async ({ args }: { readonly args: readonly string[] }) => {
      sent.push(args.at(-1));
      return args.includes('bad@example.org') ? { ...result, exitCode: 78, stderr: 'no such box\n' } : result;
    },
    start: () => assert.fail('started'),
  };
  const { log, lines } = memoryLog();
  const mails = ['ada@example.org', 'bad@example.org', 'bob@example.org'].map(mailTo);

  const warnings = await sendMails(
    mails,
    { type: 'sendmail', command: ['msmtp'] },
    { runner, hostname: 'vault.example.org', log },
  );

  const warning = 'no mail could be sent to bad@example.org by msmtp: no such box';
  assert.deepEqual(warnings, [warning]);
  assert.deepEqual(sent, ['ada@example.org', 'bad@example.org', 'bob@example.org']);
  assert.deepEqual(lines, [{ level: 'warn', bindings: { subject: 'for bad@example.org' }, message: warning }]);
});
