import { readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { CollectorContext } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import { isWithin } from '../snapshots/mounts.ts';
import { type Advice, toolFailure, tryTool } from '../snapshots/run-tool.ts';
import type { Place } from './places.ts';
import { statOf } from './selection.ts';

export interface MirrorRules {
  readonly places: readonly Place[];
  /** Lines of rsync's `--exclude=`. */
  readonly excludes: readonly string[];
}

/** Where the mirror of a place lies; the folder around it holds nothing else. */
export function mirrorOf({ source, as }: Place, keptFolder: string): string {
  return posix.join(keptFolder, posix.basename(as), posix.basename(source));
}

/** A mirror cannot hold itself. */
export function requireOutside(places: readonly Place[], keptFolder: string): void {
  const around = places.find(({ source }) => isWithin(keptFolder, source));
  if (around === undefined) return;
  throw new BackupError(`files: ${around.source} holds the mirror itself, ${keptFolder}`, {
    hint: 'via: rsync needs base_backup_dir outside of what it saves; list the folders below that path instead.',
  });
}

/** Brings the mirrors up to date and removes those of places that are not there any more; what vanished meanwhile. */
export async function bringUpToDate(
  { places, excludes }: MirrorRules,
  context: CollectorContext,
): Promise<readonly string[]> {
  const { keptFolder, tools } = context;
  await mkdir(keptFolder, { recursive: true, mode: 0o700 });
  const there = places.filter((place) => statOf(place) !== undefined);
  const names = there.map((place) => posix.basename(posix.dirname(mirrorOf(place, keptFolder))));
  for (const name of readdirSync(keptFolder)) {
    if (!names.includes(name)) await rm(posix.join(keptFolder, name), { recursive: true });
  }
  const vanished: string[] = [];
  for (const place of there) {
    const target = posix.dirname(mirrorOf(place, keptFolder));
    await mkdir(target, { recursive: true, mode: 0o700 });
    const command = rsyncCommand(tools.rsync, place.source, target, excludes);
    vanished.push(...vanishedIn(await run(command, place, context)));
  }
  return vanished;
}

/**
 * Copies a place into a folder, and removes there what is gone or left out. Times are compared to the nanosecond: a file
 * that has changed again in the same second would else keep its first state.
 */
export function rsyncCommand(tool: string, source: string, target: string, excludes: readonly string[]): Command {
  const [file = 'rsync', ...words] = tool.split(/\s+/);
  const options = ['-aHAX', '--numeric-ids', '--sparse', '--modify-window=-1', '--delete', '--delete-excluded'];
  const args = [...words, ...options, ...excludes.map((line) => `--exclude=${line}`), '--', source, `${target}/`];
  return { file, args };
}

async function run(command: Command, { source }: Place, context: CollectorContext): Promise<CommandResult> {
  const result = await tryTool(command, context, advice);
  if (result.exitCode === 0 || result.exitCode === 24) return result;
  throw toolFailure(result, `mirror ${source}`, context, advice);
}

/** rsync names what vanished and ends with exit code 24. */
export function vanishedIn({ exitCode, stderr }: Pick<CommandResult, 'exitCode' | 'stderr'>): readonly string[] {
  if (exitCode !== 24) return [];
  return [...stderr.matchAll(/^file has vanished: "(.*)"/gm)].map(([, path = '']) => path);
}

const advice: Advice = {
  install: 'Install rsync, or set rsync_cmd in the section tools of client_config.yml.',
  hints: [
    [/no space left/i, 'The mirror lies below base_backup_dir and needs the room of all that is saved.'],
    [
      /not permitted|permission denied|read-only file system/i,
      'It needs root; in local-backup.service also the drop-in that "local-backup check" prints.',
    ],
  ],
  otherwise: 'Mend what rsync names, or exclude the path.',
};
