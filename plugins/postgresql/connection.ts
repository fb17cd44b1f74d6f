import type { PostgresqlOptions } from './postgresql-schema.ts';

/** How the client programs reach the server; what is undefined is their own default. */
export interface Connection {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
  /** The system's account that they run as. */
  readonly account: string | undefined;
}

type ConnectionOptions = Pick<
  PostgresqlOptions,
  'host' | 'hostname' | 'port' | 'user' | 'username' | 'run_as' | 'container' | 'password'
>;

/**
 * In a container the socket, as the role postgres. On this machine the socket as the account postgres, whom the server
 * knows by it, unless a host, a role or a password says that it is another way; without a host that is localhost.
 */
export function connectionOf(options: ConnectionOptions): Connection {
  const { port, run_as, container, password } = options;
  const host = options.host ?? options.hostname;
  const user = options.user ?? options.username;
  if (container !== undefined) return { host, port, user: user ?? 'postgres', account: run_as };
  const isByPassword = password !== undefined || (host === undefined && user !== undefined);
  const isSocket = host === undefined ? run_as !== undefined || !isByPassword : host.startsWith('/');
  if (!isSocket) return { host: host ?? 'localhost', port, user, account: run_as };
  return { host, port, user, account: run_as ?? (isByPassword ? undefined : 'postgres') };
}

/** Whether the server is one of this machine. */
export function isLocal({ host }: Connection): boolean {
  return host === undefined || host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host);
}
