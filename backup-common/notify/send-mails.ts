import { messagesOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Mail, MailTransport } from './mail.ts';
import { type MailerTools, sendMail } from './mailer.ts';

/** Sends all of them; one that cannot be sent is a warning in the log and in the list that comes back. */
export async function sendMails(
  mails: readonly Mail[],
  transport: MailTransport,
  tools: MailerTools & { readonly log: Log },
): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const mail of mails) {
    try {
      await sendMail(mail, transport, tools);
    } catch (error) {
      const warning = messagesOf(error).join(': ');
      tools.log.warn({ subject: mail.subject }, warning);
      warnings.push(warning);
    }
  }
  return warnings;
}
