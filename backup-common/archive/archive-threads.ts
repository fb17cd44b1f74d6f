import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { archiveThreadCode } from './archive-thread-code.ts';
import { type ArchiveWork, archiveWork, type WorkRequest, type WorkResult } from './archive-work.ts';

/** What a thread has been given; the next piece lies there when it is done with one, so that it need not wait for us. */
const piecesAtATime = 2;
/** A piece leaves little garbage, in buffers that lie elsewhere. */
const resourceLimits = { maxYoungGenerationSizeMb: 6 };

interface Piece {
  readonly request: WorkRequest;
  readonly transfer: readonly ArrayBufferLike[];
  readonly resolve: (result: WorkResult) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Oldest first: a thread answers in the order it was asked. */
  readonly given: Piece[];
}

/** Threads that do the work of archives, as many as there are cores, each started when there is work for it. */
export function archiveThreads(count = availableParallelism()): ArchiveWork {
  const threads: Thread[] = [];
  const waiting: Piece[] = [];

  const giveOut = (): void => {
    while (waiting.length > 0) {
      const thread = freeThread();
      const piece = thread === undefined ? undefined : waiting.shift();
      if (thread === undefined || piece === undefined) return;
      thread.given.push(piece);
      thread.worker.postMessage(piece.request, [...piece.transfer] as ArrayBuffer[]);
    }
  };
  const freeThread = (): Thread | undefined => {
    const idle = threads.find(({ given }) => given.length === 0);
    if (idle !== undefined) return idle;
    if (threads.length < count) return startThread();
    return threads.filter(({ given }) => given.length < piecesAtATime).sort(byWork)[0];
  };
  const startThread = (): Thread => {
    const thread: Thread = { worker: new Worker(archiveThreadCode, { eval: true, resourceLimits }), given: [] };
    thread.worker.on('message', (result: WorkResult) => {
      thread.given.shift()?.resolve(result);
      giveOut();
    });
    thread.worker.on('error', (error) => {
      threads.splice(threads.indexOf(thread), 1);
      for (const piece of thread.given.splice(0)) piece.reject(error);
    });
    threads.push(thread);
    return thread;
  };
  const work = (request: WorkRequest, transfer: readonly ArrayBufferLike[]): Promise<WorkResult> =>
    new Promise((resolve, reject) => {
      waiting.push({ request, transfer, resolve, reject });
      giveOut();
    });
  return archiveWork(work, async () => {
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  });
}

/** Threads for as long as `fn` needs them. */
export async function withArchiveThreads<T>(fn: (work: ArchiveWork) => Promise<T>): Promise<T> {
  const work = archiveThreads();
  try {
    return await fn(work);
  } finally {
    await work.close();
  }
}

function byWork(a: Thread, b: Thread): number {
  return a.given.length - b.given.length;
}
