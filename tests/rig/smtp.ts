import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly to: readonly string[];
  readonly subject: string;
  /** `user:password` of the sender's login; undefined without one. */
  readonly login: string | undefined;
  /** Headers and body as they came. */
  readonly raw: string;
}

export interface TestSmtp {
  readonly port: number;
  /** In the order in which they arrived. */
  readonly mails: readonly ReceivedMail[];
  stop(): Promise<void>;
}

/** A real SMTP server on a free port of loopback that keeps what it receives. */
export async function startSmtp(): Promise<TestSmtp> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) => done(null, { user: `${username}:${password}` }),
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        mails.push(
          mailOf(
            Buffer.concat(parts).toString(),
            session.envelope.rcptTo.map(({ address }) => address),
            session.user,
          ),
        );
        done();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return { port, mails, stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

function mailOf(raw: string, to: readonly string[], login: string | undefined): ReceivedMail {
  const unfolded = raw.replace(/\r\n[ \t]+/g, ' ');
  return { to, raw, login, subject: /^Subject: (.*?)\r?$/m.exec(unfolded)?.[1] ?? '' };
}
