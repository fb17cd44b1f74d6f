import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BackupError, messagesOf } from '../errors.ts';
import { execaRunner } from '../process/execa-runner.ts';
import type { Runner } from '../process/runner.ts';
import { startMailServer } from '../testing/mail-server.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import type { Mail, MailTransport } from './mail.ts';
import { sendMail } from './mailer.ts';

const mail: Mail = { to: 'admin@example.org', subject: '[Backup] web – fertig', text: 'Grüße\n', isUrgent: true };
const tools = { runner: execaRunner(), hostname: 'vault.example.org' };

type Smtp = Extract<MailTransport, { type: 'smtp' }>;
const smtp = (port: number, more: Partial<Smtp> = {}): Smtp => ({
  type: 'smtp',
  host: '127.0.0.1',
  port,
  tls: 'starttls',
  user: 'backup',
  password: async () => 's3cret',
  ...more,
});

/** What it fails with, of which it makes sure that it has a hint and no password. */
async function failureOf(sending: Promise<void>): Promise<string> {
  const error = await sending.then(
    () => assert.fail('it was sent'),
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof BackupError);
  assert.notEqual(error.hint, undefined);
  const told = messagesOf(error).join(': ');
  assert.doesNotMatch(told, /s3cret|wrong-password/);
  return told;
}

test('by STARTTLS and with a log-in a mail arrives as it was meant', async (t) => {
  const server = await startMailServer(t, await tempFolder(t), 'starttls');
  await sendMail(mail, smtp(server.port, { caFile: server.certificateFile }), tools);
  assert.equal(server.mails.length, 1);
  const [{ raw = '', ...envelope } = {}] = server.mails;
  assert.deepEqual(envelope, {
    from: 'backup@vault.example.org',
    to: ['admin@example.org'],
    user: 'backup',
    isEncrypted: true,
  });
  assert.match(raw, /^From: backup@vault\.example\.org\r$/m);
  assert.match(raw, /^To: admin@example\.org\r$/m);
  assert.match(raw, /^Subject: =\?UTF-8\?Q\?=5BBackup=5D_web_=E2=80=93_fertig\?=\r$/m);
  assert.match(raw, /^Content-Type: text\/plain; charset=utf-8\r$/m);
  assert.match(raw, /^X-Priority: 1/m);
  assert.match(raw, /^Importance: High\r$/m);
  assert.match(raw, /\r\n\r\nGr=C3=BC=C3=9Fe/);
});

test('a mail that is not urgent is not marked as important, and the sender may be chosen', async (t) => {
  const server = await startMailServer(t, await tempFolder(t), 'implicit');
  const transport = smtp(server.port, { tls: 'implicit', caFile: server.certificateFile, from: 'me@example.org' });
  await sendMail({ ...mail, isUrgent: false }, transport, tools);
  assert.doesNotMatch(server.mails[0]?.raw ?? '', /^(X-Priority|Importance)/m);
  assert.deepEqual([server.mails[0]?.from, server.mails[0]?.isEncrypted], ['me@example.org', true]);
});

test('without encryption and log-in a mail goes to every recipient, but never another header with it', async (t) => {
  const server = await startMailServer(t, await tempFolder(t), 'none');
  const transport: MailTransport = { type: 'smtp', host: '127.0.0.1', port: server.port, tls: 'none' };
  const hostile = { ...mail, to: 'Ada <ada@example.org>, bob@example.org', subject: 'one\r\nBcc: eve@example.org' };
  await sendMail(hostile, transport, tools);
  assert.deepEqual(server.mails[0]?.to, ['ada@example.org', 'bob@example.org']);
  assert.match(server.mails[0]?.raw ?? '', /^Subject: one *Bcc: eve@example\.org\r$/m);
});

test('a wrong password is told as such', async (t) => {
  const server = await startMailServer(t, await tempFolder(t), 'starttls');
  const password = async () => 'wrong-password';
  const told = await failureOf(sendMail(mail, smtp(server.port, { password, caFile: server.certificateFile }), tools));
  assert.equal(
    told,
    `no mail could be sent to admin@example.org through 127.0.0.1:${server.port}: ` +
      'Invalid login: 535 no such user or password',
  );
  assert.deepEqual(server.mails, []);
});

test('a password that cannot be read stops the mail', async () => {
  const password = () => Promise.reject(new BackupError('cannot read /etc/backup/mail-password'));
  assert.match(await failureOf(sendMail(mail, smtp(1, { password }), tools)), /: cannot read \/etc\/backup\/mail-/);
});

test('a certificate that nobody we know has signed is refused', async (t) => {
  const server = await startMailServer(t, await tempFolder(t), 'starttls');
  assert.match(await failureOf(sendMail(mail, smtp(server.port), tools)), /self-signed certificate/);
});

test('a server without STARTTLS gets neither password nor mail when STARTTLS is configured', async (t) => {
  const server = await startMailServer(t, await tempFolder(t), 'none');
  assert.match(await failureOf(sendMail(mail, smtp(server.port), tools)), /through 127\.0\.0\.1:\d+: .*STARTTLS/);
  assert.deepEqual(server.mails, []);
});

test('a refused connection is told with the address', async () => {
  const port = await closedPort();
  assert.match(await failureOf(sendMail(mail, smtp(port), tools)), new RegExp(`ECONNREFUSED 127\\.0\\.0\\.1:${port}`));
});

test('with the transport none nothing happens', async () => {
  await sendMail(mail, { type: 'none' }, { ...tools, runner: noRunner });
});

test('a program gets the message on standard input and the bare addresses as its last arguments', async (t) => {
  const { folder, transport } = await program(t, 'printf "%s\\n" "$@" > "$0.args"; cat > "$0.stdin"');
  await sendMail({ ...mail, to: 'Ada <ada@example.org>, bob@example.org' }, transport, tools);
  const args = await readFile(join(folder, 'sendmail.args'), 'utf8');
  assert.deepEqual(args.trim().split('\n'), ['-t', 'x', '--', 'ada@example.org', 'bob@example.org']);
  const message = await readFile(join(folder, 'sendmail.stdin'), 'utf8');
  assert.match(message, /^To: Ada <ada@example\.org>, bob@example\.org$/m);
  assert.match(message, /^Importance: High$/m);
  assert.match(message, /\n\nGr=C3=BC=C3=9Fe/);
  assert.doesNotMatch(message, /\r/);
});

for (const [script, reason] of [
  ['cat > /dev/null; echo first >&2; echo "no account" >&2; exit 78', 'no account'],
  ['exit 75', 'exit code 75'],
  ['kill -9 $$', 'ended by SIGKILL'],
] as const) {
  test(`a program that does "${script}" has not sent it: ${reason}`, async (t) => {
    const { folder, transport } = await program(t, script);
    const told = await failureOf(sendMail(mail, transport, tools));
    assert.equal(told, `no mail could be sent to admin@example.org by ${join(folder, 'sendmail')}: ${reason}`);
  });
}

test('a program that does not come to an end has not sent it', async () => {
  const ended = { exitCode: undefined, signal: 'SIGTERM', timedOut: true, stdout: '', stderr: '', durationMs: 30_000 };
  const runner = { ...noRunner, run: async () => ended };
  const sending = sendMail(mail, { type: 'sendmail', command: ['msmtp'] }, { ...tools, runner });
  assert.match(await failureOf(sending), /by msmtp: no end after 30 seconds$/);
});

test('a program that is missing is named', async () => {
  const sending = sendMail(mail, { type: 'sendmail', command: ['/nonexistent/msmtp'] }, tools);
  assert.match(await failureOf(sending), /cannot run \/nonexistent\/msmtp/);
});

const noRunner: Runner = { run: () => assert.fail('ran'), start: () => assert.fail('started') };

async function program(t: TestContext, script: string) {
  const folder = await tempFolder(t);
  const path = join(folder, 'sendmail');
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { folder, transport: { type: 'sendmail', command: [path, '-t', 'x'] } as const };
}

/** A port that was free a moment ago and that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
