import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { startSshd } from '#common/testing/sshd.ts';
import { openStore, type StoreHost } from './open-store.ts';
import type { RateLimiter } from './rate-limit.ts';

const bytes = 1_000_000;

/** Time that passes only while somebody sleeps. */
function sleepingClock() {
  let time = 0;
  return {
    now: () => time,
    sleep: async (ms: number) => {
      time += ms;
    },
  };
}

test('the transport decides which store is opened, and limits hold for the network', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'open-store-'));
  t.after(() => rm(folder, { recursive: true }));
  const drop = join(folder, 'drop');
  await mkdir(drop);
  await writeFile(join(drop, 'file'), randomBytes(bytes));
  const sshd = await startSshd({ folder: join(folder, 'sshd') });
  t.after(() => sshd.stop());

  let taken = 0;
  const shared: RateLimiter = {
    take: async (count) => {
      taken += count;
    },
  };
  const clock = sleepingClock();
  const read = async (connection: StoreHost['connection']) => {
    const host: StoreHost = { name: 'web', connection, archiveTimeZone: 'UTC', bandwidthLimit: bytes / 10 };
    const store = await openStore(host, { shared, clock }, new AbortController().signal, execaRunner());
    const source = await store.open('file');
    const { length } = await source.read(0, bytes);
    await source.close();
    await store.close();
    assert.equal(length, bytes);
    return store.name;
  };

  assert.equal(await read({ type: 'local', folder: drop }), drop);
  assert.deepEqual([taken, clock.now()], [0, 0]);

  const { address, port, user, keyFile, knownHostsFile } = sshd;
  const remote = { type: 'sftp', folder: drop, address, port, user, keyFile, knownHostsFile, hostKeys: [] } as const;
  assert.equal(await read({ ...remote, connectTimeoutMs: 20_000 }), `${user}@127.0.0.1:${drop}`);
  assert.equal(taken, bytes);
  assert.ok(clock.now() >= 9000, `10 seconds at a tenth of the bytes a second: ${clock.now()} ms`);
});
