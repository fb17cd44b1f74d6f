import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Below this V8 may do as it likes: sweeping a small heap often took a tenth of the time of a first archive. */
const largeHeapBytes = 64 * 1024 * 1024;
const lookEveryMs = 200;

/**
 * By itself V8 lets a heap grow to several times of what is in use before it is swept. Once it is large it is swept, and from
 * then on whenever it has grown by a fifth.
 */
export function keepHeapLean(): void {
  const timer = setInterval(() => {
    if (getHeapStatistics().used_heap_size < largeHeapBytes) return;
    clearInterval(timer);
    setFlagsFromString('--heap-growing-percent=20');
    setFlagsFromString('--expose-gc');
    runInNewContext('globalThis.gc?.()'); // sweeping is when V8 decides how far the heap may grow next
  }, lookEveryMs).unref();
}
