import { setTimeout } from 'node:timers/promises';
import { withDirectoryLock } from '../directory-lock.ts';
import { messagesOf } from '../errors.ts';
import { withInstanceLock } from '../instance-lock.ts';

/**
 * A process for tests of locks, started with the lock's kind and folder. Told `take` it answers `held` or why it could
 * not; told `release` it gives the lock back and answers `released`.
 */
const [kind, folder = ''] = process.argv.slice(2);
const program = 'lock-holder';
const now = () => new Date();
let release: (() => void) | undefined;

process.on('message', (order) => {
  if (order === 'release') release?.();
  else
    lock().then(
      () => say('released'),
      (error: unknown) => say(messagesOf(error).join(': ')),
    );
});
say('ready');

function lock(): Promise<void> {
  if (kind === 'instance') return withInstanceLock({ folder, program, now }, hold);
  const noWait = { retries: 0, retryIntervalMs: 0, sleep: setTimeout };
  return withDirectoryLock({ folder, program, now, ...noWait }, hold);
}

function hold(): Promise<void> {
  return new Promise((resolve) => {
    release = resolve;
    say('held');
  });
}

function say(answer: string): void {
  process.send?.(answer);
}
