import { posix } from 'node:path';
import type { Command } from '#common/process/command.ts';
import type { Advice } from '../snapshots/run-tool.ts';

const lookMs = 60_000;
const changeMs = 5 * 60_000;

export function showSubvolume(path: string): Command {
  return btrfs(['subvolume', 'show', '--', path], lookMs);
}

/** The subvolumes that lie directly in one, by paths from the top of the file system. */
export function listNested(path: string, which: 'all' | 'read-only' = 'all'): Command {
  return btrfs(['subvolume', 'list', '-o', '-u', ...(which === 'all' ? [] : ['-r']), '--', path], lookMs);
}

export function takeSnapshot(subvolume: string, path: string): Command {
  return btrfs(['subvolume', 'snapshot', '-r', '--', subvolume, path], changeMs);
}

export function deleteSubvolume(path: string): Command {
  return btrfs(['subvolume', 'delete', '--', path], changeMs);
}

function btrfs(args: readonly string[], timeoutMs: number): Command {
  return { file: 'btrfs', args, timeoutMs };
}

export const btrfsAdvice: Advice = {
  install: 'Install btrfs-progs.',
  hints: [
    [/not a btrfs/i, 'It must be the path of a btrfs subvolume; "btrfs subvolume list -t /" names those there are.'],
    [
      /read-only file system|not permitted|permission denied/i,
      'It needs root; in local-backup.service also the drop-in that "local-backup check" prints.',
    ],
    [/no space left/i, 'Make room on the file system; a snapshot needs some for what changes while it is there.'],
  ],
  otherwise: 'Try it by hand as root; dmesg may say more.',
};

/** Snapshots are made beside the subvolume, or in it. */
export function btrfsUnitLines(subvolume: string): readonly string[] {
  const beside = posix.dirname(subvolume);
  return [
    'CapabilityBoundingSet=CAP_SYS_ADMIN CAP_DAC_OVERRIDE',
    `ReadWritePaths=${beside === '/' ? subvolume : beside}`,
  ];
}
