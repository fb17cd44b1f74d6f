import { existsSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '#common/process/command.ts';

const script = fileURLToPath(new URL('nspawn.sh', import.meta.url));
const hierarchies = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'];

/** systemd-nspawn over a view of a root; without `lower` in the folder itself. */
export function nspawnCommand(folder: string, lower: string | undefined, args: readonly string[]): Command {
  const view = [script, cgroupOf(folder), lower ?? '-', folder];
  return { file: 'unshare', args: ['--mount', '--propagation', 'private', 'sh', ...view, ...args] };
}

/** Arguments for a script in a root that is not booted, with the network of this machine. */
export function scriptArguments(shell: string, options: readonly string[] = []): string[] {
  const environment = ['--setenv=DEBIAN_FRONTEND=noninteractive', '--setenv=LC_ALL=C.UTF-8'];
  return ['--pipe', '--resolv-conf=copy-host', ...environment, ...options, 'sh', '-ec', shell];
}

function cgroupOf(folder: string): string {
  return `backup-suite-${basename(folder)}`;
}

/** The groups of a container, of all hierarchies this machine has. */
export function cgroupsOf(folder: string): string[] {
  return hierarchies.map((hierarchy) => join(hierarchy, cgroupOf(folder))).filter((path) => existsSync(path));
}

/** Takes away the empty groups that a container has left. */
export async function removeCgroups(folder: string): Promise<void> {
  for (const path of cgroupsOf(folder)) await removeGroups(path);
}

async function removeGroups(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroups(join(path, entry.name));
  }
  await rmdir(path).catch(() => undefined); // a process in it is just ending
}
