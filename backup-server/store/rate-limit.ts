import { setTimeout as delay } from 'node:timers/promises';

/** Time as a limiter sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Rejects when the run is aborted. */
  sleep(ms: number): Promise<void>;
}

export interface RateLimiter {
  /** Resolves when so many bytes may be moved. Callers are served in the order in which they ask. */
  take(bytes: number): Promise<void>;
}

/** What may be moved at once after a pause, as a time at the full rate. */
const burstMs = 250;

/** A token bucket, kept as the time at which all that was granted has been paid for. Only the first in the row sleeps. */
export function rateLimiter(bytesPerSecond: number, clock: Clock): RateLimiter {
  let paidAt = Number.NEGATIVE_INFINITY;
  let row = Promise.resolve();

  async function pay(bytes: number): Promise<void> {
    const now = clock.now();
    paidAt = Math.max(paidAt, now) + (bytes / bytesPerSecond) * 1000;
    const waitMs = paidAt - now - burstMs;
    if (waitMs > 0) await clock.sleep(waitMs);
  }

  return {
    take(bytes) {
      const paid = row.then(() => pay(bytes));
      row = paid.catch(() => undefined); // the next one finds out for itself
      return paid;
    },
  };
}

/** All limits at once, such as the host's own and then the one all hosts share. */
export function allOf(limiters: readonly RateLimiter[]): RateLimiter {
  return {
    async take(bytes) {
      for (const limiter of limiters) await limiter.take(bytes);
    },
  };
}

/** This machine's monotonic time, until the run is aborted. */
export function runClock(signal: AbortSignal): Clock {
  return {
    now: () => performance.now(),
    async sleep(ms) {
      await delay(ms, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    },
  };
}
