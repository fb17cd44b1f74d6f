import { existsSync } from 'node:fs';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { runTool, tryTool } from '../snapshots/run-tool.ts';
import {
  type ContainerCommands,
  type ContainerId,
  type ContainerStatus,
  commandsOf,
  nameOf,
  parseStatus,
  waitUntilRunning,
} from './container-commands.ts';

type Context = Pick<RecoveryContext, 'runner' | 'taskKey'>;

/** Throws a BackupError where there is no such container. */
export async function statusOf(id: ContainerId, context: Context): Promise<ContainerStatus> {
  return parseStatus(await run(commandsHere(id).status, `look at the container ${nameOf(id)}`, id, context));
}

export async function isRunning(id: ContainerId, context: Context): Promise<boolean> {
  return (await statusOf(id, context)).isRunning;
}

/** Shuts it down. One that takes too long is killed, and that is a warning. */
export async function stopContainer(id: ContainerId, seconds: number, context: RecoveryContext): Promise<void> {
  const { shutDown, kill, advice } = commandsHere(id);
  const { exitCode } = await tryTool(shutDown(seconds), context, advice);
  if (exitCode !== 0 && (await isRunning(id, context))) {
    context.warn(`lxc: ${nameOf(id)} did not shut down within ${seconds} s and was killed`);
    await run(kill, `stop the container ${nameOf(id)}`, id, context);
  }
}

export async function startContainer(id: ContainerId, context: Context): Promise<void> {
  const what = `start the container ${nameOf(id)}`;
  await run(commandsHere(id).start, what, id, context);
  if (id.type === 'lxc') await run(waitUntilRunning(id.name, id.path), what, id, context);
}

/** Runs a command that has to do with the container, and gives what it printed. */
export function run(command: Command, what: string, id: ContainerId, context: Context): Promise<string> {
  return runTool(command, what, context, commandsHere(id).advice);
}

function commandsHere(id: ContainerId): ContainerCommands {
  return commandsOf(id, existsSync('/run/systemd/system'));
}
