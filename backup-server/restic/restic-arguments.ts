import type { KeepRule } from '../forget-policy.ts';

export interface BackupRequest {
  /** The tree; restic runs in it, so that its path in the snapshot stays the same. */
  readonly folder: string;
  readonly time: Date;
  readonly tags: readonly string[];
  /** Compare files by size and mtime only: for trees that are unpacked anew each time. */
  readonly ignoreInode: boolean;
  /** Read every file, whatever it looks like. */
  readonly force: boolean;
}

/** `restic backup`; the time is read as UTC because of TZ. */
export function backupArguments(host: string, request: BackupRequest, options: readonly string[]): readonly string[] {
  return [
    'backup',
    '--json',
    '--host',
    host,
    '--time',
    request.time.toISOString().slice(0, 19).replace('T', ' '),
    ...request.tags.flatMap((tag) => ['--tag', tag]),
    ...(request.ignoreInode ? ['--ignore-inode'] : []),
    ...(request.force ? ['--force'] : []),
    ...options,
    '.',
  ];
}

/** restic groups by host *and paths* on its own, so that a moved tree would double what is kept. */
export function forgetArguments(host: string, rules: readonly KeepRule[]): readonly string[] {
  return ['forget', '--dry-run', '--json', '--host', host, '--group-by', 'host', ...rules.flat()];
}

export interface RestoreRequest {
  readonly snapshot: string;
  readonly target: string;
  /** Below the root of the snapshot; everything when empty. */
  readonly paths: readonly string[];
}

/** restic takes what is to be included for a pattern, and would bring back `xa` where `x[a]` is asked for. */
export function restoreArguments({ snapshot, target, paths }: RestoreRequest): readonly string[] {
  const includes = paths.flatMap((path) => ['--include', `/${path.replace(/[\\*?[\]]/g, '\\$&')}`]);
  return ['restore', '--no-lock', '--target', target, ...includes, '--', snapshot];
}

/** Whether the options make restic leave files out, so that its counts cannot be those of the index. */
export function leavesOut(options: readonly string[]): boolean {
  return options.some((option) => /^(-e|--i?exclude|--exclude-|--one-file-system|-x)/.test(option));
}
