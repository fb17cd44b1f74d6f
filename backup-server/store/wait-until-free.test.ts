import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupError } from '#common/errors.ts';
import type { ArchiveStore, LockLook } from './archive-store.ts';
import { type FirstSeen, judgeLook, waitUntilFree } from './wait-until-free.ts';

const free: LockLook = { held: false };
const heldAt = (mtimeMs: number, owner?: string): LockLook => ({ held: true, mtimeMs, owner });

test('a look is judged by whether the mtime has moved since it was first seen', () => {
  const seen: FirstSeen = { mtimeMs: 7, sinceMs: 1000 };
  const cases = [
    [free, undefined, 0, 'free', 'no lock'],
    [free, seen, 99_000, 'free', 'the lock has gone'],
    [heldAt(7), undefined, 99_000, 'held', 'seen for the first time, however old it is'],
    [heldAt(7), seen, 70_999, 'held', 'not long enough to say'],
    [heldAt(7), seen, 71_000, 'stale', 'unmoved for 70 seconds'],
    [heldAt(8), seen, 999_000, 'held', 'moved forward'],
    [heldAt(6), seen, 999_000, 'held', 'moved backward, as a clock that was set does'],
  ] as const;
  for (const [look, before, nowMs, expected, what] of cases) {
    assert.equal(judgeLook(look, before, nowMs).type, expected, what);
  }
});

test('the time unmoved is counted from the first look at that mtime', () => {
  const first = judgeLook(heldAt(7), undefined, 0);
  assert.ok(first.type === 'held');
  const second = judgeLook(heldAt(7), first.firstSeen, 40_000);
  assert.ok(second.type === 'held');
  assert.equal(judgeLook(heldAt(7), second.firstSeen, 80_000).type, 'stale');
});

/** Waits for a store that shows these looks one after the other; time passes while it sleeps. */
function wait(looks: readonly (LockLook | Error)[], retries: number, retryIntervalMs: number) {
  let time = 0;
  let next = 0;
  const store = {
    name: 'web:/backup',
    lookAtLock: async () => {
      const look = looks[next++];
      if (look === undefined || look instanceof Error) throw look ?? new Error('looked too often');
      return look;
    },
  } as Partial<ArchiveStore> as ArchiveStore;
  const sleep = async (ms: number) => {
    time += ms;
  };
  return waitUntilFree(store, { retries, retryIntervalMs, sleep, now: () => time });
}

test('a free folder is used at once', async () => {
  assert.equal(await wait([free], 3, 120_000), undefined);
});

test('a client that finishes in time is waited for', async () => {
  assert.equal(await wait([heldAt(1), heldAt(2), free], 3, 120_000), undefined);
});

test('a lock whose mtime stands still is passed over, and that is said', async () => {
  const warning = await wait([heldAt(1, 'local-backup, process 5'), heldAt(1)], 3, 120_000);
  assert.match(warning ?? '', /web:\/backup.*has not been refreshed.*passed over/);
});

test('a lock that is kept fresh to the end is an error naming its owner', async () => {
  const looks = [heldAt(1, 'pid 5'), heldAt(2, 'pid 5'), heldAt(3, 'pid 5')];
  await assert.rejects(wait(looks, 2, 120_000), (error: unknown) => {
    assert.ok(error instanceof BackupError);
    assert.equal(error.kind, 'client-lock');
    assert.match(error.message, /busy in web:\/backup.*owner: pid 5/);
    assert.match(error.hint ?? '', /looked at 3 times/);
    return true;
  });
});

test('a failed look is an error and never means free', async () => {
  const broken = new BackupError('the connection broke');
  await assert.rejects(wait([broken], 3, 1), broken);
  await assert.rejects(wait([heldAt(1), broken], 3, 1), broken);
});
