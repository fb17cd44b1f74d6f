import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

export interface ServerProcess {
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface ServerStart {
  /** What a line of its standard error holds as soon as it can be used. */
  readonly readyLine: string;
  /** The signal on which it ends its sessions and itself. */
  readonly stopSignal: NodeJS.Signals;
}

/** Starts a server that says on standard error when it is ready, and waits for that. It never outlives the test. */
export async function startServer(
  { file, args }: Command,
  { readyLine, stopSignal }: ServerStart,
): Promise<ServerProcess> {
  const child = spawn(file, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  const endWithUs = () => child.kill(stopSignal);
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));
  const said: string[] = [];
  const ready = new Promise<void>((resolve) => {
    // goes on reading after that, so that the server never blocks on a full pipe
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (line.includes(readyLine)) resolve();
    });
  });
  const failed = once(child, 'exit').then(() => {
    throw new BackupError(`the server ended instead of listening: ${said.join('\n')}`);
  });
  failed.catch(() => undefined); // also settles when it is stopped later
  await Promise.race([ready, failed]);
  return {
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(stopSignal);
      await ended;
    },
  };
}

/** The command as another account of this machine. */
export function asAccount(account: string, { file, args, ...rest }: Command): Command {
  const own = [`--reuid=${account}`, `--regid=${account}`, '--init-groups'];
  return { cwd: '/', ...rest, file: 'setpriv', args: [...own, '--', file, ...args] };
}

export async function idsOf(account: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const { stdout } = await execaRunner().run({ file: 'getent', args: ['passwd', account] });
  const [, , uid = 0, gid = 0] = stdout.split(':').map(Number);
  return { uid, gid };
}
