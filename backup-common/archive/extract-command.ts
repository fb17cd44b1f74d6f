import type { Command } from '../process/command.ts';

/**
 * GNU tar as the writer of a tree; it reads only headers that we wrote ourselves. With `keepAttributes` it leaves alone the ACLs
 * and extended attributes of folders that are there.
 */
export function extractCommand(tar: string, folder: string, keepAttributes = false): Command {
  return {
    file: tar,
    args: [
      '--extract',
      '--file=-',
      '--blocking-factor=128', // 64 KiB at a time, as much as a pipe holds
      `--directory=${folder}`,
      '--preserve-permissions',
      '--same-owner',
      '--numeric-owner',
      ...(keepAttributes ? [] : ['--xattrs', '--xattrs-include=*', '--acls']),
      '--delay-directory-restore',
      '--warning=no-timestamp',
    ],
  };
}
