import { lockName, lockStaleMs, lockUpdateMs } from '#common/directory-lock.ts';
import { BackupError } from '#common/errors.ts';
import type { ArchiveStore, LockLook } from './archive-store.ts';

/** A living client moves the lock's mtime within this time, with one update to spare. */
const unmovedMs = lockStaleMs + lockUpdateMs;

/** When, by this machine's monotonic clock, the lock was first seen with its present mtime. */
export interface FirstSeen {
  readonly mtimeMs: number;
  readonly sinceMs: number;
}

type LockVerdict =
  | { readonly type: 'free' }
  | { readonly type: 'stale' }
  | { readonly type: 'held'; readonly firstSeen: FirstSeen };

/**
 * What a look means after what was seen before. The mtime is only compared with itself: the clocks of the two machines
 * may differ as they like.
 */
export function judgeLook(look: LockLook, before: FirstSeen | undefined, nowMs: number): LockVerdict {
  if (!look.held) return { type: 'free' };
  if (before === undefined || before.mtimeMs !== look.mtimeMs) {
    return { type: 'held', firstSeen: { mtimeMs: look.mtimeMs, sinceMs: nowMs } };
  }
  return nowMs - before.sinceMs >= unmovedMs ? { type: 'stale' } : { type: 'held', firstSeen: before };
}

interface WaitOptions {
  /** Looks after the first one. */
  readonly retries: number;
  readonly retryIntervalMs: number;
  /** Rejects when the run is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Milliseconds of a clock that only grows. */
  readonly now: () => number;
}

/**
 * Waits until the client has left its drop folder alone. Resolves with a warning when a lock was found that nobody
 * holds any more; rejects with kind `client-lock` when it is held to the end.
 */
export async function waitUntilFree(store: ArchiveStore, options: WaitOptions): Promise<string | undefined> {
  let firstSeen: FirstSeen | undefined;
  for (let attempt = 0; ; attempt += 1) {
    const look = await store.lookAtLock();
    const verdict = judgeLook(look, firstSeen, options.now());
    if (verdict.type === 'free') return undefined;
    if (verdict.type === 'stale') return describeStale(store, look);
    if (attempt >= options.retries) throw stillHeld(store, look, attempt + 1);
    firstSeen = verdict.firstSeen;
    await options.sleep(options.retryIntervalMs);
  }
}

function describeStale(store: ArchiveStore, look: LockLook): string {
  return (
    `The lock ${lockName} in ${store.name} (${holderOf(look)}) has not been refreshed for more than ` +
    `${unmovedMs / 1000} seconds: nobody holds it any more, and it was passed over. The next run on the client removes it.`
  );
}

function stillHeld(store: ArchiveStore, look: LockLook, looks: number): BackupError {
  return new BackupError(`the client is busy in ${store.name}: the lock ${lockName} is held (${holderOf(look)})`, {
    kind: 'client-lock',
    hint:
      `It was looked at ${looks} times. Compare the timers of both machines, or raise lock_retries and ` +
      'lock_retry_interval. If no backup runs on the client, remove that directory there.',
  });
}

function holderOf(look: LockLook): string {
  return look.held && look.owner !== undefined ? `owner: ${look.owner}` : 'its owner is not known';
}
