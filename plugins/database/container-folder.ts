import type { BackupError } from '#common/errors.ts';
import type { CollectorContext } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import { dumpStream, readAlsoBy } from './dump-stream.ts';
import type { Place } from './place.ts';

/** A folder that a program fills in a container. */
export interface ContainerFolder {
  /** Of the container. */
  readonly place: Place;
  readonly timeoutMs: number;
  /** Names the task and what fills the folder: `influxdb: influx backup`. */
  readonly what: string;
  readonly failure: (what: string, result: CommandResult) => BackupError;
}

/**
 * Has a folder filled in a container, brings its content to a folder of this machine, and removes it there. Its name is
 * the task's own: what a run that was killed has left goes when the next one begins.
 */
export async function fillFromContainer(
  target: string,
  request: ContainerFolder,
  context: CollectorContext,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = folderOf(context);
  await remove(folder, request, context);
  await inside({ file: 'mkdir', args: ['-m', '700', folder] }, 'making a folder in the container', request, context);
  try {
    await fill(folder);
    await bring(folder, target, request, context);
  } finally {
    await remove(folder, request, context).catch((error: unknown) => context.warn(String(error)));
  }
}

function folderOf({ service, taskKey }: CollectorContext): string {
  const words = [service.type, service.name, taskKey].map((word) => word.replace(/[^A-Za-z0-9_.-]/g, '_'));
  return `/tmp/backup-suite-${words.join('-')}`;
}

function remove(folder: string, request: ContainerFolder, context: CollectorContext): Promise<void> {
  return inside({ file: 'rm', args: ['-rf', folder] }, `removing ${folder} in the container`, request, context);
}

async function inside(
  command: Command,
  step: string,
  { place, timeoutMs, what, failure }: ContainerFolder,
  { runner }: CollectorContext,
): Promise<void> {
  const result = await runner.run(place({ ...command, timeoutMs }));
  if (result.exitCode !== 0) throw failure(`${what}: ${step}`, result);
}

/** By tar, which also sees what is mounted there; every tar knows these options. */
async function bring(
  folder: string,
  target: string,
  { place, timeoutMs, what, failure }: ContainerFolder,
  { runner }: CollectorContext,
): Promise<void> {
  const pack = place({ file: 'tar', args: ['-c', '-f', '-', '-C', folder, '.'], timeoutMs });
  const unpack = { file: 'tar', args: ['-x', '-f', '-', '--no-same-owner', '-C', target], timeoutMs };
  const check = { what, failure: (result: CommandResult) => failure(`${what}: reading it from the container`, result) };
  const failed = (result: CommandResult) => failure(`${what}: unpacking it`, result);
  for await (const _ of readAlsoBy(runner, unpack, dumpStream(runner, pack, check), failed));
}
