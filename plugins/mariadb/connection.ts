import type { MariadbOptions } from './mariadb-schema.ts';

export const usualPort = 3306;

type ConnectionOptions = Pick<MariadbOptions, 'host' | 'hostname' | 'port' | 'user' | 'username'>;

/** The options of the client programs for the way to the server. What is not said is their own default. */
export function connectionArgs(options: ConnectionOptions): readonly string[] {
  const { port } = options;
  const user = options.user ?? options.username;
  return [...serverArgs(hostOf(options), port), ...(user === undefined ? [] : [`--user=${user}`])];
}

/** Whether the server is one of this machine. */
export function isLocal(options: ConnectionOptions): boolean {
  const host = hostOf(options) ?? 'localhost';
  return host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host);
}

function hostOf({ host, hostname }: ConnectionOptions): string | undefined {
  return host ?? hostname;
}

/** To the programs `localhost` is the socket, whose server a port other than the usual one does not mean. */
function serverArgs(host: string | undefined, port: number | undefined): readonly string[] {
  if (host?.startsWith('/')) return [`--socket=${host}`];
  const isOtherPort = port !== undefined && port !== usualPort;
  if (host === undefined || host === 'localhost') {
    if (isOtherPort) return ['--protocol=tcp', `--host=${host ?? 'localhost'}`, `--port=${port}`];
    return host === undefined ? [] : ['--host=localhost'];
  }
  return [`--host=${host}`, ...(port === undefined ? [] : [`--port=${port}`])];
}
