import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { lockName } from '#common/directory-lock.ts';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { startSshd, type TestSshd } from '#common/testing/sshd.ts';
import { archiveStoreContract } from './archive-store-contract.ts';
import { dropFolderStore } from './drop-folder-store.ts';
import { trustOf } from './known-hosts.ts';
import { allOf } from './rate-limit.ts';
import { connectSftp } from './sftp-connection.ts';
import { sftpFileAccess } from './sftp-file-access.ts';

let sshd: TestSshd;
let keys: string;
const isRoot = process.getuid?.() === 0;

before(async () => {
  keys = await mkdtemp(join(tmpdir(), 'sftp-keys-'));
  await chmod(keys, 0o755);
  sshd = await startSshd({ folder: keys });
});

after(async () => {
  await sshd.stop();
  await rm(keys, { recursive: true });
});

archiveStoreContract('a folder over SFTP', (folder) => openOver(sshd, folder));

interface Settings {
  readonly silenceMs?: number;
  readonly signal?: AbortSignal;
}

async function openOver(server: TestSshd, folder: string, settings: Settings = {}) {
  const { silenceMs = 20_000, signal = new AbortController().signal } = settings;
  const trust = await trustOf({ ...server, hostKeys: [] }, execaRunner());
  const session = await connectSftp({ ...server, connectTimeoutMs: 20_000, silenceMs }, trust, signal);
  return dropFolderStore(sftpFileAccess(session, allOf([])), { path: folder, host: 'web', timeZone: 'UTC' });
}

/** A folder with one large file, opened for reading. */
async function openedFile(t: TestContext, settings: Settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'sftp-store-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file'), randomBytes(20 * 1024 * 1024));
  const store = await openOver(sshd, folder, settings);
  t.after(() => store.close());
  return { store, source: await store.open('file') };
}

/** Reads a stream and does something after its first piece. */
async function readWith(stream: AsyncIterable<Buffer>, afterFirst: () => Promise<void> | void): Promise<void> {
  let pieces = 0;
  for await (const _piece of stream) {
    pieces += 1;
    if (pieces === 1) await afterFirst();
  }
}

function failure(kind: string | undefined, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof BackupError, String(error));
    assert.match(error.message, message);
    assert.equal(error.kind, kind);
    assert.ok(error.hint, 'has a hint');
    return true;
  };
}

test('a connection that breaks in mid-transfer fails the read, and everything after it', async (t) => {
  const { store, source } = await openedFile(t);
  const broken = failure('connection-lost', /the connection to 127\.0\.0\.1:\d+ broke/);
  await assert.rejects(
    readWith(source.stream(), () => sshd.dropConnections()),
    broken,
  );
  await assert.rejects(store.lookAtLock(), broken);
  await assert.rejects(source.read(0, 10), broken);
  await source.close();
});

test('a host that goes silent in mid-transfer is not waited for without end', async (t) => {
  const { source } = await openedFile(t, { silenceMs: 300 });
  await assert.rejects(
    readWith(source.stream(), () => sshd.freezeConnections()),
    failure('connection-lost', /has not answered for 0\.3 seconds/),
  );
  await sshd.dropConnections();
});

test('an aborted run ends its transfers with the reason', async (t) => {
  const run = new AbortController();
  const { store, source } = await openedFile(t, { signal: run.signal });
  const reason = new BackupError('SIGTERM');
  await assert.rejects(
    readWith(source.stream(), () => run.abort(reason)),
    (error) => error === reason,
  );
  await assert.rejects(store.list(), (error) => error === reason);
});

test('a closed store says so', async (t) => {
  const { store } = await openedFile(t);
  await store.close();
  await assert.rejects(store.list(), /is closed/);
  await store.close();
});

test('an account without rights gets told, and never sees a free lock', {
  skip: !isRoot && 'needs root',
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sftp-store-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'drop', lockName), { recursive: true });
  await writeFile(join(folder, 'drop', 'secret'), 'x', { mode: 0o600 });
  await chmod(folder, 0o755);
  const server = await startSshd({ folder: join(folder, 'sshd'), user: 'nobody' });
  t.after(() => server.stop());
  const store = await openOver(server, join(folder, 'drop'));
  t.after(() => store.close());

  const denied = failure(undefined, /nobody@127\.0\.0\.1.*permission denied/);
  await assert.rejects(store.open('secret'), denied);
  await assert.rejects(store.remove('secret'), denied);
  await assert.rejects(store.move('secret'), denied);
  for (const mode of [0o744, 0o700]) {
    await chmod(join(folder, 'drop'), mode);
    await assert.rejects(store.lookAtLock(), denied);
  }
  await assert.rejects(store.list(), denied);
});
