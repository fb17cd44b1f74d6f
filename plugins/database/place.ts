import type { Command } from '#common/process/command.ts';

/** Makes of a client program's command one that runs where the database is reached. */
export type Place = (command: Command) => Command;

export const onThisMachine: Place = (command) => command;

/** As another account of this machine. The folder we are in may be closed to it, so it begins in the root. */
export function asAccount(account: string): Place {
  return ({ file, args, ...rest }) => ({
    cwd: '/',
    ...rest,
    file: 'runuser',
    args: ['-u', account, '--', file, ...args],
  });
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** As another account, which may however search and read every folder: to reach one of its own within root's. */
export function asAccountThatReads({ uid, gid }: Account): Place {
  const rights = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
  return ({ file, args, ...rest }) => ({
    ...rest,
    file: 'setpriv',
    args: [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups', ...rights, '--', file, ...args],
  });
}

/**
 * In a running container, by `docker exec`. Environment variables are handed on by name, so that no value is on a command
 * line. Ending docker's client does not end the program inside, so `timeout` does that there.
 */
export function inContainer(docker: readonly string[], container: string, account?: string): Place {
  return ({ file, args, env = {}, timeoutMs, ...rest }) => {
    const [program = 'docker', ...words] = docker;
    const variables = Object.keys(env).flatMap((name) => ['--env', name]);
    const user = account === undefined ? [] : ['--user', account];
    const limit = timeoutMs === undefined ? [] : ['timeout', String(Math.ceil(timeoutMs / 1000))];
    return {
      ...rest,
      file: program,
      args: [...words, 'exec', '--interactive', ...variables, ...user, container, ...limit, file, ...args],
      env,
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
  };
}
