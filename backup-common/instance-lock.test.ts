import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BackupError } from './errors.ts';
import { withInstanceLock } from './instance-lock.ts';
import { ownIdentity } from './process-identity.ts';
import { startLockHolder } from './testing/start-lock-holder.ts';
import { tempFolder } from './testing/temp-folder.ts';

const now = () => new Date('2026-03-01T02:00:00Z');
const lockFile = 'lock-holder.lock';
const deadOwner = (since: string) =>
  JSON.stringify({ pid: 1, bootId: 'of an earlier boot', startTicks: '1', program: 'lock-holder', since });

test('the lock names its owner while it is held and is gone afterwards', async (t) => {
  const folder = join(await tempFolder(t), 'made', 'when missing');
  await withInstanceLock({ folder, program: 'lock-holder', now }, async () => {
    assert.deepEqual(await readdir(folder), [lockFile]);
    const owner: unknown = JSON.parse(await readFile(join(folder, lockFile), 'utf8'));
    assert.deepEqual(owner, { ...ownIdentity(), program: 'lock-holder', since: '2026-03-01T02:00:00.000Z' });
    assert.equal((await stat(join(folder, lockFile))).mode & 0o777, 0o600);
  });
  assert.deepEqual(await readdir(folder), []);
});

test('the lock is given back when the work fails, and the failure comes through', async (t) => {
  const folder = await tempFolder(t);
  const work = () => Promise.reject(new Error('no luck'));
  await assert.rejects(withInstanceLock({ folder, program: 'lock-holder', now }, work), /^Error: no luck$/);
  assert.deepEqual(await readdir(folder), []);
});

test('a second start fails with exit code 75, says who runs since when, and leaves the lock to its owner', async (t) => {
  const folder = await tempFolder(t);
  const first = await startLockHolder(t, 'instance', folder);
  assert.equal(await first.take(), 'held');
  const before = await readFile(join(folder, lockFile), 'utf8');

  const second = withInstanceLock({ folder, program: 'lock-holder', now }, () => assert.fail('ran twice'));

  await assert.rejects(second, (error) => {
    assert.ok(error instanceof BackupError);
    assert.equal(error.exitCode, 75);
    assert.match(error.message, new RegExp(`^lock-holder is already running: process ${first.pid}, since 20`));
    return true;
  });
  assert.equal(await readFile(join(folder, lockFile), 'utf8'), before);
  assert.deepEqual(await readdir(folder), [lockFile]);
});

test('programs of different names do not lock each other out', async (t) => {
  const folder = await tempFolder(t);
  const inner = () => withInstanceLock({ folder, program: 'other', now }, async () => 'both run');
  assert.equal(await withInstanceLock({ folder, program: 'lock-holder', now }, inner), 'both run');
});

test('the lock of a process that was killed is free at once', async (t) => {
  const folder = await tempFolder(t);
  const first = await startLockHolder(t, 'instance', folder);
  assert.equal(await first.take(), 'held');
  await first.kill();
  assert.deepEqual(await readdir(folder), [lockFile]);
  assert.equal(await withInstanceLock({ folder, program: 'lock-holder', now }, async () => 'free'), 'free');
  assert.deepEqual(await readdir(folder), []);
});

for (const [what, text] of [
  ['of an earlier boot', deadOwner('2026-01-01T00:00:00.000Z')],
  ['of a process whose pid is used by another one', JSON.stringify({ ...ownIdentity(), startTicks: '1' })],
  ['that is empty', ''],
  ['that holds a bare pid', '1\n'],
  ['that is no JSON', 'not ours'],
] as const) {
  test(`a lock file ${what} is taken over`, async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, lockFile), text);
    assert.equal(await withInstanceLock({ folder, program: 'lock-holder', now }, async () => 'free'), 'free');
    assert.deepEqual(await readdir(folder), []);
  });
}

test('a taker that was killed while it replaced a dead lock holds up nobody', async (t) => {
  const folder = await tempFolder(t);
  for (const name of [lockFile, `${lockFile}.takeover`, `${lockFile}.takeover.takeover`])
    await writeFile(join(folder, name), deadOwner('2026-01-01T00:00:00.000Z'));
  assert.equal(await withInstanceLock({ folder, program: 'lock-holder', now }, async () => 'free'), 'free');
  assert.deepEqual(await readdir(folder), []);
});

test('of three that race for a dead lock exactly one gets it, every time', async (t) => {
  const folder = await tempFolder(t);
  const takers = await Promise.all([1, 2, 3].map(() => startLockHolder(t, 'instance', folder)));
  for (let round = 0; round < 40; round += 1) {
    await writeFile(join(folder, lockFile), deadOwner(`round ${round}`));
    const answers = await Promise.all(takers.map((taker) => taker.take()));
    const winners = takers.filter((_, index) => answers[index] === 'held');
    assert.equal(winners.length, 1, `round ${round}: ${answers.join(' | ')}`);
    assert.equal(await winners[0]?.release(), 'released');
    assert.deepEqual(await readdir(folder), []);
  }
});

test('a lock that was removed by hand and taken by another process is not removed', async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, lockFile);
  const others = JSON.stringify({ ...ownIdentity(), program: 'lock-holder', since: 'later' });
  await withInstanceLock({ folder, program: 'lock-holder', now }, () => writeFile(path, others));
  assert.equal(await readFile(path, 'utf8'), others);
});
