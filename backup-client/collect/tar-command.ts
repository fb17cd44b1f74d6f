import type { Command } from '#common/process/command.ts';

/**
 * GNU tar as the reader of one source: names come NUL-separated on standard input, relative to `folder`, and the
 * stream goes to standard output. With these options an unchanged tree gives the same bytes again.
 */
export function tarCommand(tar: string, folder: string): Command {
  return {
    file: tar,
    args: [
      '--create',
      '--file=-',
      '--format=posix',
      '--sparse',
      '--sparse-version=0.0',
      '--xattrs',
      '--acls',
      '--numeric-owner',
      '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
      `--directory=${folder}`,
      '--null',
      '--no-recursion',
      '--hard-dereference',
      '--files-from=-',
    ],
  };
}

/**
 * Whether tar's end is explained by files that vanished while it read: exit 0, or 1 and 2 with no other message. What
 * changed while it was read (exit 1) is found by looking at the files again, not by messages.
 */
export function unexplainedMessage(exitCode: number | undefined, stderr: string): string | undefined {
  if (exitCode === 0 || exitCode === 1) return undefined;
  const lines = stderr.split('\n').filter((line) => line !== '' && !explained.some((pattern) => pattern.test(line)));
  if (exitCode === 2 && lines.length === 0) return undefined;
  return lines[0] ?? `exit code ${exitCode}`;
}

const explained: readonly RegExp[] = [
  /: Cannot (stat|open): No such file or directory$/,
  /: File removed before we read it$/,
  /: file changed as we read it$/,
  /: Exiting with failure status due to previous errors$/,
  /: socket ignored$/,
];
