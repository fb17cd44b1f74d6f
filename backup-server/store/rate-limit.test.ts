import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOf, type Clock, rateLimiter, runClock } from './rate-limit.ts';

/** Time that passes only while somebody sleeps. */
function sleepingClock(): Clock {
  let time = 5000;
  return {
    now: () => time,
    sleep: async (ms) => {
      time += ms;
    },
  };
}

async function timeToTake(clock: Clock, take: () => Promise<void>, times: number): Promise<number> {
  const start = clock.now();
  for (let done = 0; done < times; done += 1) await take();
  return clock.now() - start;
}

test('in the long run not more than the rate is granted', async () => {
  const clock = sleepingClock();
  const limiter = rateLimiter(1000, clock);
  const ms = await timeToTake(clock, () => limiter.take(100), 100);
  assert.ok(Math.abs(ms - 9750) < 1, `10,000 bytes at 1,000 a second, the first 250 at once: ${ms}`);
});

test('time in which nothing was taken is not saved up', async () => {
  const clock = sleepingClock();
  const limiter = rateLimiter(1000, clock);
  await clock.sleep(3600_000);
  assert.equal(Math.round(await timeToTake(clock, () => limiter.take(1000), 2)), 1750);
});

test('one piece that is larger than the burst is delayed and not refused', async () => {
  const clock = sleepingClock();
  const limiter = rateLimiter(1000, clock);
  assert.equal(Math.round(await timeToTake(clock, () => limiter.take(10_000), 1)), 9750);
});

test('those who ask at the same time are served in their order, and only one of them sleeps', async () => {
  const clock = sleepingClock();
  let sleepers = 0;
  const sleep = async (ms: number) => {
    sleepers += 1;
    assert.equal(sleepers, 1);
    await clock.sleep(ms);
    sleepers -= 1;
  };
  const limiter = rateLimiter(1000, { now: clock.now, sleep });
  const start = clock.now();
  const served: number[] = [];
  const ask = (bytes: number) => limiter.take(bytes).then(() => served.push(Math.round(clock.now() - start)));
  await Promise.all([ask(250), ask(500), ask(1000), ask(1)]);
  assert.deepEqual(served, [0, 500, 1500, 1501]);
});

test('a wait that is broken off fails the one who waits and not the next', async () => {
  const stop = new Error('SIGTERM');
  const limiter = rateLimiter(1000, { now: () => 0, sleep: () => Promise.reject(stop) });
  await assert.rejects(limiter.take(1000), stop);
  await assert.rejects(limiter.take(1000), stop);
});

test('the real clock stops sleeping when the run is aborted', async () => {
  const run = new AbortController();
  const clock = runClock(run.signal);
  const before = clock.now();
  await clock.sleep(1);
  assert.ok(clock.now() > before);
  const sleeping = clock.sleep(3600_000);
  const reason = new Error('SIGTERM');
  run.abort(reason);
  await assert.rejects(sleeping, (error) => error === reason);
});

test('of several limits the lowest counts, and hosts share the common one', async () => {
  const clock = sleepingClock();
  const shared = rateLimiter(1000, clock);
  const slow = allOf([rateLimiter(500, clock), shared]);
  assert.equal(Math.round(await timeToTake(clock, () => slow.take(100), 50)), 9750);

  const other = allOf([rateLimiter(1_000_000, clock), shared]);
  const first = allOf([rateLimiter(1_000_000, clock), shared]);
  const both = async () => {
    await other.take(100);
    await first.take(100);
  };
  assert.ok((await timeToTake(clock, both, 50)) >= 9700);
});

test('with no limit there is no wait', async () => {
  await allOf([]).take(1e12);
});
