import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Fleet } from './fleet.ts';

/** A run of one of the programs that is under way. */
export interface Running {
  readonly pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts `<name> run` on a fleet's configuration and does not wait for it. */
export function startProgram(fleet: Fleet, name: string, config: string): Running {
  const args = [`dist/bin/${name}`, 'run', '--config-dir', join(fleet.folder, config)];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { kill: (signal) => child.kill(signal), ended, pid: child.pid };
}

export async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2400; tries += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('waited in vain');
}
