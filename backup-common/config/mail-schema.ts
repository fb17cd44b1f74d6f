import type { FromSchema } from 'json-schema-to-ts';
import type { MailTransport } from '../notify/mail.ts';
import { readSecret, secretSchema } from './secret.ts';

/** How mails leave; the same in client_config.yml and server_config.yml. */
export const mailSchema = {
  type: 'object',
  description:
    'How mails leave this machine: by a mail server (smtp), a program (sendmail) or not at all (none). Without it msmtp is used.',
  properties: {
    from: { type: 'string', description: "The sender's address; backup@<hostname> when left out." },
    none: { type: 'boolean', description: 'true: send no mails.' },
    sendmail: {
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
      description:
        'A program and its arguments; it gets the message on standard input and the recipient as last argument.',
    },
    smtp: {
      type: 'object',
      description: 'A mail server.',
      properties: {
        host: { type: 'string', description: 'Its name or address.' },
        port: { type: 'integer', minimum: 1, maximum: 65535, default: 587, description: 'Its port.' },
        tls: {
          enum: ['none', 'starttls', 'implicit'],
          default: 'starttls',
          description: 'How the connection is encrypted.',
        },
        user: { type: 'string', description: 'The user to log in as.' },
        password: secretSchema,
        ca_file: {
          type: 'string',
          format: 'absolute-path',
          description: 'Certificates to trust beside those of the system.',
        },
      },
      required: ['host'],
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const;

export type MailSection = FromSchema<typeof mailSchema>;

/** What the section means; `program` is what MSMTP_CMD names. */
export function mailTransportOf(section: MailSection | undefined, program: string): MailTransport {
  const from = section?.from === undefined ? {} : { from: section.from };
  if (section?.none === true) return { type: 'none' };
  if (section?.smtp !== undefined) {
    const { host, port, tls, user, password, ca_file: caFile } = section.smtp;
    return {
      type: 'smtp',
      host,
      port,
      tls,
      ...from,
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password: () => readSecret(password as Parameters<typeof readSecret>[0]) }),
      ...(caFile !== undefined && { caFile }),
    };
  }
  const [file = program, ...args] = section?.sendmail ?? [];
  return { type: 'sendmail', command: [file, ...args], ...from };
}
