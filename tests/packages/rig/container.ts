import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CommandResult } from '#common/process/command.ts';
import { run, succeeded } from './commands.ts';
import { nspawnCommand, removeCgroups, scriptArguments } from './nspawn.ts';
import { placeFor } from './place.ts';

/** A root that is entered and not booted: no systemd runs in it. It has the network of this machine. */
export interface Container {
  /** Runs a script of sh with `-e`; `options` are those of systemd-nspawn. */
  run(shell: string, ...options: string[]): Promise<CommandResult>;
  /** Standard output of a script that must succeed. */
  must(shell: string, ...options: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** A view of a root that keeps its changes. `shared` folders of this machine are in it under their own paths, read-only. */
export async function openContainer(lower: string, shared: readonly string[] = []): Promise<Container> {
  const folder = await mkdtemp(await placeFor('run', `${basename(lower)}-`));
  await forbidStarting(join(folder, 'upper'));
  const binds = shared.map((path) => `--bind-ro=${path}`);
  const inside = (shell: string, options: readonly string[]) => {
    const { file, args } = nspawnCommand(folder, lower, scriptArguments(shell, [...binds, ...options]));
    return run(file, args);
  };
  return {
    run: (shell, ...options) => inside(shell, options),
    must: async (shell, ...options) => succeeded(shell, await inside(shell, options)),
    remove: async () => {
      await removeCgroups(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** sshd would be started on the machine's own network. */
async function forbidStarting(upper: string): Promise<void> {
  await mkdir(join(upper, 'usr/sbin'), { recursive: true });
  await writeFile(join(upper, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
}
