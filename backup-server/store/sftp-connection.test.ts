import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { makeKey, startSshd, type TestSshd } from '#common/testing/sshd.ts';
import { fingerprintOf, parsePublicKey } from './host-trust.ts';
import { trustOf } from './known-hosts.ts';
import { connectSftp } from './sftp-connection.ts';

let folder: string;
let sshd: TestSshd;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sftp-connection-'));
  sshd = await startSshd({ folder: join(folder, 'sshd'), hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] });
});

after(async () => {
  await sshd.stop();
  await rm(folder, { recursive: true });
});

interface Settings {
  readonly address?: string;
  readonly port?: number;
  readonly hostKeys?: readonly string[];
  readonly knownHostsFile?: string;
  readonly keyFile?: string;
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Connects, looks into the root folder and closes again. */
async function connect(settings: Settings = {}): Promise<void> {
  const { signal = new AbortController().signal, ...changes } = settings;
  const target = { ...sshd, hostKeys: [], connectTimeoutMs: 20_000, silenceMs: 20_000, ...changes };
  const session = await connectSftp(target, await trustOf(target, execaRunner()), signal);
  await session.request((sftp, answer) => sftp.stat('/', answer));
  await session.close();
}

function failure(kind: string | undefined, message: RegExp, hint: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof BackupError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    assert.equal(error.kind, kind);
    return true;
  };
}

function fingerprint(publicKey: string): string {
  const key = parsePublicKey(publicKey);
  assert.ok(key);
  return fingerprintOf(key);
}

async function knownHosts(...lines: string[]): Promise<string> {
  const file = join(await mkdtemp(join(folder, 'known-')), 'known_hosts');
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

async function publicKey(name: string): Promise<string> {
  const file = await makeKey(await mkdtemp(join(folder, 'key-')), name, 'ed25519');
  return execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim();
}

/** A server that is no sshd, on a free port. */
async function startServer(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return portOf(server);
}

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

test('a host in known_hosts is trusted, whichever of its keys stands there', async () => {
  await connect();
  for (const key of sshd.hostKeys)
    await connect({ knownHostsFile: await knownHosts(`[127.0.0.1]:${sshd.port} ${key}`) });
});

test('a host is trusted by any of its keys or fingerprints in the configuration', async () => {
  for (const key of sshd.hostKeys) {
    await connect({ hostKeys: [key], knownHostsFile: '/missing' });
    await connect({ hostKeys: [fingerprint(key)], knownHostsFile: '/missing' });
  }
});

test('an unknown host is refused with its fingerprint and the line to add', async () => {
  const [ed25519 = ''] = sshd.hostKeys;
  const file = await knownHosts('other ssh-ed25519 AAAA');
  await assert.rejects(connect({ knownHostsFile: file }), (error: unknown) => {
    assert.ok(error instanceof BackupError);
    const name = `[127.0.0.1]:${sshd.port}`;
    assert.equal(error.message, `the host key of ${name} is not known: ssh-ed25519 ${fingerprint(ed25519)}`);
    assert.ok(error.hint?.includes(`host_key: "${ed25519}"`), error.hint);
    assert.ok(error.hint?.includes(`to ${file} the line: ${name} ${ed25519}`), error.hint);
    return true;
  });
});

test('a host that shows another key than the known one is an alarm', async () => {
  const other = await publicKey('other');
  const changed = failure('host-key', /^DANGER: .* not the known one: .*between you and the host/, /Nothing was sent/);
  await assert.rejects(connect({ hostKeys: [other] }), changed);
  await assert.rejects(connect({ hostKeys: [fingerprint(other)] }), changed);
  await assert.rejects(connect({ knownHostsFile: await knownHosts(`[127.0.0.1]:${sshd.port} ${other}`) }), changed);
});

test('a revoked key is an alarm even where it is also known', async () => {
  const [ed25519 = ''] = sshd.hostKeys;
  const file = await knownHosts(`[127.0.0.1]:${sshd.port} ${ed25519}`, `@revoked * ${ed25519}`);
  await assert.rejects(connect({ knownHostsFile: file }), failure('host-key', /^DANGER: .*revoked/, /@revoked/));
});

test('a key that the account does not know is told with what to do', async () => {
  const keyFile = await makeKey(await mkdtemp(join(folder, 'key-')), 'stranger', 'ed25519');
  await assert.rejects(
    connect({ keyFile }),
    failure(undefined, /@127\.0\.0\.1:\d+ does not accept the key .*stranger/, /stranger\.pub.*authorized_keys/),
  );
});

test('a key with a passphrase, a broken one and a missing one are told apart from a refused login', async () => {
  const locked = join(folder, 'locked');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', locked]);
  const unusable = failure(undefined, /the key .* cannot be used/, /without a passphrase/);
  await assert.rejects(connect({ keyFile: locked }), unusable);
  await assert.rejects(connect({ keyFile: `${sshd.keyFile}.pub` }), unusable);
  const broken = join(folder, 'broken');
  await writeFile(broken, 'no key');
  await assert.rejects(connect({ keyFile: broken }), unusable);
  await assert.rejects(
    connect({ keyFile: '/missing' }),
    failure(undefined, /cannot read the key \/missing/, /ssh_key_file/),
  );
});

test('a port where nobody listens refuses', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  await assert.rejects(
    connect({ port, hostKeys: sshd.hostKeys }),
    failure('unreachable', /refuses connections on port/, /sshd/),
  );
});

test('a server that never answers is given up after the connect timeout', async (t) => {
  const port = await startServer(t, () => undefined);
  await assert.rejects(
    connect({ port, hostKeys: sshd.hostKeys, connectTimeoutMs: 200 }),
    failure('unreachable', /has not answered on port \d+ within 0\.2 seconds/, /connect_timeout/),
  );
});

test('a server that hangs up and one that speaks something else are errors too', async (t) => {
  const hostKeys = sshd.hostKeys;
  const hangsUp = await startServer(t, (socket) => socket.end());
  await assert.rejects(
    connect({ port: hangsUp, hostKeys }),
    failure('unreachable', /closed the connection before the login/, /sshd’s log/),
  );
  const resets = await startServer(t, (socket) => socket.resetAndDestroy());
  await assert.rejects(
    connect({ port: resets, hostKeys }),
    failure('unreachable', /closed the connection/, /sshd’s log/),
  );
  const web = await startServer(t, (socket) => socket.end(`HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(10_000)}`));
  await assert.rejects(connect({ port: web, hostKeys }), BackupError);
});

test('a name that does not exist is told', async () => {
  await assert.rejects(
    connect({ address: 'no-such-host.invalid', hostKeys: sshd.hostKeys }),
    failure('unreachable', /the address of no-such-host\.invalid cannot be found/, /name server/),
  );
});

test('an aborted run does not go on connecting', async (t) => {
  const port = await startServer(t, () => run.abort(reason));
  const run = new AbortController();
  const reason = new Error('SIGTERM');
  const connecting = connect({ port, hostKeys: sshd.hostKeys, signal: run.signal });
  await assert.rejects(connecting, (error) => error === reason);
  await assert.rejects(connect({ signal: run.signal }), (error) => error === reason);
});
