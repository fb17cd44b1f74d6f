import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { createTransport } from 'nodemailer';
import { BackupError } from '../errors.ts';
import type { CommandResult } from '../process/command.ts';
import type { Runner } from '../process/runner.ts';
import type { Mail, MailTransport } from './mail.ts';

/** A mail server that does not answer must not hold up the end of a run. */
const timeoutMs = 30_000;

export interface MailerTools {
  readonly runner: Runner;
  /** The name of this machine, for the sender's address where none is configured. */
  readonly hostname: string;
}

/** Sends one mail. Rejects with a BackupError that says which way failed and how. */
export async function sendMail(mail: Mail, transport: MailTransport, tools: MailerTools): Promise<void> {
  if (transport.type === 'none') return;
  const from = transport.from ?? `backup@${tools.hostname}`;
  const message = {
    from,
    to: mail.to,
    subject: mail.subject,
    text: mail.text,
    ...(mail.isUrgent && { priority: 'high' as const }),
  };
  if (transport.type === 'smtp') await sendBySmtp(message, transport);
  else await sendByProgram(message, transport.command, tools.runner);
}

type Message = Readonly<{ from: string; to: string; subject: string; text: string; priority?: 'high' }>;

async function sendBySmtp(message: Message, transport: Extract<MailTransport, { type: 'smtp' }>): Promise<void> {
  const { host, port, tls, user } = transport;
  try {
    const pass = await transport.password?.();
    // a list of our own takes the place of the known authorities, so they stand in it too
    const ca = transport.caFile && [...rootCertificates, await readFile(transport.caFile)];
    const sender = createTransport({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      ...(user !== undefined && { auth: { user, pass: pass ?? '' } }),
      ...(ca && { tls: { ca } }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
    });
    await sender.sendMail(message);
    sender.close();
  } catch (error) {
    throw new BackupError(`no mail could be sent to ${message.to} through ${host}:${port}`, {
      cause: error,
      hint: 'Look at mail: in the configuration (host, port, tls, user, password) and at the mail server.',
    });
  }
}

/** Any program that takes a message on standard input and recipients as arguments: msmtp, sendmail, exim. */
async function sendByProgram(message: Message, command: readonly [string, ...string[]], runner: Runner): Promise<void> {
  const builder = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  const { message: raw, envelope } = await builder.sendMail(message);
  const [file, ...args] = command;
  // bare addresses, one an argument, of "Ada <ada@example.org>, bob@example.org"
  const result = await runner.run({ file, args: [...args, '--', ...envelope.to], input: raw as Buffer, timeoutMs });
  if (result.exitCode === 0) return;
  throw new BackupError(`no mail could be sent to ${message.to} by ${file}: ${reasonOf(result)}`, {
    hint: `Try it by hand: echo test | ${file} ${message.to}`,
  });
}

function reasonOf({ exitCode, signal, timedOut, stderr }: CommandResult): string {
  if (timedOut) return `no end after ${timeoutMs / 1000} seconds`;
  const said = stderr.trim().split('\n').at(-1);
  return said || (exitCode === undefined ? `ended by ${signal}` : `exit code ${exitCode}`);
}
