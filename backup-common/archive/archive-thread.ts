import { parentPort } from 'node:worker_threads';
import { perform, type WorkRequest, type WorkResult } from './archive-work.ts';

/** What a thread of `ArchiveThreads` runs: does one piece of work after the other, and hands back its bytes. */
parentPort?.on('message', (request: WorkRequest) => {
  const result = perform(request);
  parentPort?.postMessage(result, transferOf(result));
});

function transferOf(result: WorkResult): ArrayBuffer[] {
  return 'result' in result ? [result.result.bytes.buffer as ArrayBuffer] : [];
}
