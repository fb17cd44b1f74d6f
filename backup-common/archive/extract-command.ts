import type { Command } from '../process/command.ts';

/** GNU tar as the writer of a tree; it reads only headers that we wrote ourselves. */
export function extractCommand(tar: string, folder: string): Command {
  return {
    file: tar,
    args: [
      '--extract',
      '--file=-',
      `--directory=${folder}`,
      '--preserve-permissions',
      '--same-owner',
      '--numeric-owner',
      '--xattrs',
      '--xattrs-include=*',
      '--acls',
      '--delay-directory-restore',
      '--warning=no-timestamp',
    ],
  };
}
