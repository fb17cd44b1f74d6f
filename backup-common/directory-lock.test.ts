import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type DirectoryLockOptions,
  lockName,
  lockOwnerName,
  lockStaleMs,
  lockUpdateMs,
  removeDeadLock,
  withDirectoryLock,
} from './directory-lock.ts';
import { BackupError } from './errors.ts';
import { startLockHolder } from './testing/start-lock-holder.ts';
import { tempFolder } from './testing/temp-folder.ts';

const deadOwner = JSON.stringify({ pid: 1, bootId: 'earlier', startTicks: '1', program: 'lock-holder', since: 'then' });

function optionsFor(folder: string, more: Partial<DirectoryLockOptions> = {}): DirectoryLockOptions {
  return {
    folder,
    program: 'local-backup',
    retries: 0,
    retryIntervalMs: 60_000,
    now: () => new Date('2026-03-01T02:00:00Z'),
    sleep: () => assert.fail('waited'),
    ...more,
  };
}

test('the lock is an empty directory with its owner beside it, and both are gone afterwards', async (t) => {
  const folder = await tempFolder(t);
  const result = await withDirectoryLock(optionsFor(folder), async (lost) => {
    assert.deepEqual((await readdir(folder)).sort(), [lockName, lockOwnerName]);
    assert.deepEqual(await readdir(join(folder, lockName)), []);
    const { pid, program, since } = JSON.parse(await readFile(join(folder, lockOwnerName), 'utf8'));
    assert.deepEqual([pid, program, since], [process.pid, 'local-backup', '2026-03-01T02:00:00.000Z']);
    assert.equal((await stat(join(folder, lockOwnerName))).mode & 0o777, 0o644);
    assert.equal(lost.aborted, false);
    return 'done';
  });
  assert.equal(result, 'done');
  assert.deepEqual(await readdir(folder), []);
});

test('the lock is given back when the work fails, and the failure comes through', async (t) => {
  const folder = await tempFolder(t);
  const work = () => Promise.reject(new Error('no luck'));
  await assert.rejects(withDirectoryLock(optionsFor(folder), work), /^Error: no luck$/);
  assert.deepEqual(await readdir(folder), []);
});

test('a held lock is tried again as often as asked, its holder named, and left to its holder', async (t) => {
  const folder = await tempFolder(t);
  const other = await startLockHolder(t, 'directory', folder);
  assert.equal(await other.take(), 'held');
  const waits: unknown[] = [];
  const options = optionsFor(folder, {
    retries: 3,
    sleep: async (ms) => void waits.push(ms),
    onWait: (holder) => waits.push(holder.replace(/since .*/, 'since …')),
  });

  const attempt = withDirectoryLock(options, () => assert.fail('two at once'));

  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof BackupError);
    assert.equal(error.kind, 'shared-lock');
    assert.match(
      error.message,
      new RegExp(`^the drop folder is locked by lock-holder, process ${other.pid}, since 20`),
    );
    assert.match(error.hint ?? '', /^It was tried 4 times\./);
    return true;
  });
  const holder = `lock-holder, process ${other.pid}, since …`;
  assert.deepEqual(waits, [holder, 60_000, holder, 60_000, holder, 60_000]);
  assert.deepEqual((await readdir(folder)).sort(), [lockName, lockOwnerName]);
  assert.equal(await other.release(), 'released');
});

test('a lock that is given back in the meantime is taken', async (t) => {
  const folder = await tempFolder(t);
  const other = await startLockHolder(t, 'directory', folder);
  assert.equal(await other.take(), 'held');
  const options = optionsFor(folder, { retries: 1, sleep: async () => void (await other.release()) });
  assert.equal(await withDirectoryLock(options, async () => 'mine'), 'mine');
});

test('an abort ends the waiting', async (t) => {
  const folder = await tempFolder(t);
  await mkdir(join(folder, lockName));
  const sleep = () => Promise.reject(new BackupError('ended by SIGTERM'));
  await assert.rejects(
    withDirectoryLock(optionsFor(folder, { retries: 3, sleep }), () => assert.fail()),
    /ended by SIGTERM/,
  );
  assert.deepEqual(await readdir(folder), [lockName]);
});

test('the lock of a process that was killed is free at once', async (t) => {
  const folder = await tempFolder(t);
  const other = await startLockHolder(t, 'directory', folder);
  assert.equal(await other.take(), 'held');
  await other.kill();
  assert.deepEqual((await readdir(folder)).sort(), [lockName, lockOwnerName]);
  assert.equal(await withDirectoryLock(optionsFor(folder), async () => 'mine'), 'mine');
  assert.deepEqual(await readdir(folder), []);
});

test('the lock of a process that was killed can be removed without being taken, another one cannot', async (t) => {
  const folder = await tempFolder(t);
  assert.equal(await removeDeadLock(optionsFor(join(folder, 'missing'))), false);
  assert.equal(await removeDeadLock(optionsFor(folder)), false);
  const other = await startLockHolder(t, 'directory', folder);
  assert.equal(await other.take(), 'held');
  assert.equal(await removeDeadLock(optionsFor(folder)), false);
  assert.deepEqual((await readdir(folder)).sort(), [lockName, lockOwnerName]);
  await other.kill();
  assert.equal(await removeDeadLock(optionsFor(folder)), true);
  assert.deepEqual(await readdir(folder), []);
});

test('of two that race for a dead lock exactly one gets it, every time', async (t) => {
  const folder = await tempFolder(t);
  const takers = await Promise.all([1, 2].map(() => startLockHolder(t, 'directory', folder)));
  for (let round = 0; round < 40; round += 1) {
    await mkdir(join(folder, lockName));
    await writeFile(join(folder, lockOwnerName), deadOwner);
    const answers = await Promise.all(takers.map((taker) => taker.take()));
    const winners = takers.filter((_, index) => answers[index] === 'held');
    assert.equal(winners.length, 1, `round ${round}: ${answers.join(' | ')}`);
    assert.deepEqual((await readdir(folder)).sort(), [lockName, lockOwnerName]);
    assert.equal(await winners[0]?.release(), 'released');
  }
});

test('a directory without an owner, as the scripts of old make it, is waited for while it is fresh', async (t) => {
  const folder = await tempFolder(t);
  await mkdir(join(folder, lockName));
  await assert.rejects(
    withDirectoryLock(optionsFor(folder), () => assert.fail()),
    /locked by an unknown process, last seen 20/,
  );
  assert.deepEqual(await readdir(folder), [lockName]);
});

test('a directory without an owner that nobody refreshes is taken over', async (t) => {
  const folder = await tempFolder(t);
  await mkdir(join(folder, lockName));
  const old = (Date.now() - lockStaleMs) / 1000 - 1;
  await utimes(join(folder, lockName), old, old);
  assert.equal(await withDirectoryLock(optionsFor(folder), async () => 'mine'), 'mine');
  assert.deepEqual(await readdir(folder), []);
});

test('a file in the place of the lock is an error that says what is expected', async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, lockName);
  await writeFile(path, '');
  await utimes(path, 0, 0);
  const attempt = withDirectoryLock(optionsFor(folder), () => assert.fail());
  await assert.rejects(attempt, { name: 'BackupError', message: `cannot make the lock ${path}` });
  assert.deepEqual(await readdir(folder), [lockName]);
});

test('the work is told when the lock is lost, and what another process made in its place stays', async (t) => {
  const folder = await tempFolder(t);
  const ticks: Array<() => void> = [];
  t.mock.method(globalThis, 'setTimeout', (tick: () => void, ms: number) => {
    if (ms === lockUpdateMs) ticks.push(tick);
    return { unref: () => undefined };
  });
  await withDirectoryLock(optionsFor(folder), async (lost) => {
    await rmdir(join(folder, lockName));
    const told = once(lost, 'abort');
    ticks[0]?.();
    await told;
    assert.throws(() => lost.throwIfAborted(), {
      name: 'BackupError',
      message: 'the lock of the drop folder was lost',
    });
    await mkdir(join(folder, lockName));
  });
  assert.deepEqual(await readdir(folder), [lockName]);
});

test('a lock that was lost without notice is not taken away from its new holder', async (t) => {
  const folder = await tempFolder(t);
  await withDirectoryLock(optionsFor(folder), async () => {
    await rmdir(join(folder, lockName));
    await mkdir(join(folder, lockName));
  });
  assert.deepEqual(await readdir(folder), [lockName]);
});
