import { BackupError } from '#common/errors.ts';
import type { CommandResult } from '#common/process/command.ts';

/** What to do about what a program said on standard error; the first that matches counts. */
export type Hints = readonly (readonly [said: RegExp, hint: string])[];

/** With which `timeout` ends when the program inside a container took too long. */
const timedOutInside = 124;

const containerHints: Hints = [
  [
    /no such container/i,
    'Compare the name with "docker ps"; container: is a name, or a map with compose_file and service.',
  ],
  [/container \S+ is not running/i, 'Start it: a dump is asked of the running database.'],
  [/docker daemon/i, 'Is docker.service up, and may root reach it? Try "docker ps".'],
];

/** The error for a program that did not end well; `what` names the task and what the program was to do. */
export function programFailure(what: string, result: CommandResult, hints: Hints): BackupError {
  const { exitCode, signal, timedOut, stderr } = result;
  if (timedOut || exitCode === timedOutInside) {
    return new BackupError(`${what} took too long and was ended`, {
      hint: 'Find out what it waits for, such as a lock, or set a longer timeout.',
    });
  }
  const said = stderr.trim().split('\n').slice(-3).join(' / ');
  const [, hint] = [...containerHints, ...hints].find(([pattern]) => pattern.test(stderr)) ?? [];
  return new BackupError(`${what} ended with ${signal ?? `exit code ${exitCode}`}${said === '' ? '' : `: ${said}`}`, {
    hint: hint ?? 'Run it by hand as root; local-backup --verbose shows the command.',
  });
}
