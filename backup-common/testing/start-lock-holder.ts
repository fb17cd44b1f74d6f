import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** A process of its own that takes and gives back a lock when it is told to. */
export interface LockHolder {
  readonly pid: number;
  /** Resolves with `held`, or with the message of the error. */
  take(): Promise<string>;
  release(): Promise<string>;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
}

/** Starts one and ends it after the test. */
export async function startLockHolder(
  test: TestContext,
  kind: 'instance' | 'directory',
  folder: string,
): Promise<LockHolder> {
  const path = fileURLToPath(new URL('./lock-holder.ts', import.meta.url));
  const child = fork(path, [kind, folder], { execArgv: ['--import', 'tsx'] });
  test.after(() => child.kill('SIGKILL'));
  await answerOf(child);
  return {
    pid: child.pid ?? 0,
    take: () => tell(child, 'take'),
    release: () => tell(child, 'release'),
    kill: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function tell(child: ChildProcess, order: 'take' | 'release'): Promise<string> {
  const answer = answerOf(child);
  child.send(order);
  return answer;
}

async function answerOf(child: ChildProcess): Promise<string> {
  const [answer] = await once(child, 'message');
  return String(answer);
}
