import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SMTPServer } from 'smtp-server';

interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Who had logged in. */
  readonly user: string | undefined;
  readonly isEncrypted: boolean;
  /** Headers and body as they came. */
  readonly raw: string;
}

export interface MailServer {
  readonly port: number;
  /** A certificate for 127.0.0.1 and its key, for this server alone. */
  readonly certificateFile: string;
  readonly mails: readonly ReceivedMail[];
}

/**
 * A real SMTP server on a free port of loopback until the test ends: with STARTTLS and a log-in (`backup`, `s3cret`),
 * or encrypted from the start, or without either.
 */
export async function startMailServer(
  test: TestContext,
  folder: string,
  kind: 'starttls' | 'implicit' | 'none',
): Promise<MailServer> {
  const { keyFile, certificateFile } = makeCertificate(folder);
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    key: readFileSync(keyFile),
    cert: readFileSync(certificateFile),
    secure: kind === 'implicit',
    ...(kind === 'none' && { authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] }),
    onAuth({ username, password }, _session, done) {
      if (username === 'backup' && password === 's3cret') done(null, { user: username });
      else done(new Error('no such user or password'));
    },
    onData(stream, { envelope, user, secure }, done) {
      let raw = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        raw += text;
      });
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), user, isEncrypted: secure, raw });
        done();
      });
    },
  });
  server.on('error', () => undefined); // a client that turns away in the handshake
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  test.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, certificateFile, mails };
}

function makeCertificate(folder: string) {
  const keyFile = join(folder, 'key.pem');
  const certificateFile = join(folder, 'certificate.pem');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const subject = ['-subj', '/CN=mail server for tests', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-days', '2', ...key, ...subject, '-out', certificateFile];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { keyFile, certificateFile };
}
