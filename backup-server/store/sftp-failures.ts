import { BackupError, hasCode } from '#common/errors.ts';
import { hostKeyKind } from './host-key-failure.ts';
import type { SftpTarget } from './sftp-target.ts';

interface ConnectRule {
  readonly applies: (error: unknown, text: string) => boolean;
  readonly message: (target: SftpTarget, text: string) => string;
  readonly hint: (target: SftpTarget) => string;
  readonly kind?: string;
}

/** The kind of failures in which the host was not there at all. */
const unreachable = 'unreachable';
const routeCodes = ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ETIMEDOUT', 'EPERM', 'EACCES'];

/** The first that applies tells what happened; the texts are those of ssh2. */
const connectRules: readonly ConnectRule[] = [
  {
    applies: (error) => hasCode(error, 'ECONNREFUSED'),
    message: ({ address, port }) => `${address} refuses connections on port ${port}`,
    hint: () => 'Is sshd running there, and on this port?',
    kind: unreachable,
  },
  {
    applies: (error) => hasCode(error, 'ENOTFOUND') || hasCode(error, 'EAI_AGAIN'),
    message: ({ address }) => `the address of ${address} cannot be found`,
    hint: () => 'Look at the name server, or set address to an IP address.',
    kind: unreachable,
  },
  {
    applies: (error) => routeCodes.some((code) => hasCode(error, code)),
    message: ({ address }, text) => `${address} cannot be reached (${text})`,
    hint: () => 'Is the machine on, and is there a route to it?',
    kind: unreachable,
  },
  {
    applies: (error, text) => hasCode(error, 'ECONNRESET') || text.includes('Connection lost before handshake'),
    message: ({ address }) => `${address} closed the connection before the login`,
    hint: ({ port }) => `Look at sshd’s log there (MaxStartups, penalties), and whether port ${port} is sshd’s.`,
    kind: unreachable,
  },
  {
    applies: (error) => isAboutLogin(error),
    message: (target) => `${loginOf(target)} does not accept the key ${target.keyFile}`,
    hint: ({ keyFile }) => `${keyFile}.pub must stand in that account’s authorized_keys. sshd’s log there tells more.`,
  },
  {
    applies: (_, text) => text.includes('privateKey'),
    message: ({ keyFile }) => `the key ${keyFile} cannot be used`,
    hint: () => 'It must be a private key in OpenSSH or PEM form without a passphrase.',
  },
  {
    applies: (_, text) => text.includes('no matching host key format'),
    message: ({ address }) => `${address} has no host key of a type that is accepted here`,
    hint: () => 'Give the host an Ed25519, ECDSA or RSA key (ssh-keygen -A), and pin that one.',
    kind: hostKeyKind,
  },
  {
    applies: (_, text) => /subsystem|Channel open failure/.test(text),
    message: (target) => `${loginOf(target)} offers no SFTP`,
    hint: () => 'sshd_config there needs "Subsystem sftp internal-sftp", and the account the right to use it.',
  },
  {
    applies: () => true,
    message: (target) => `cannot connect to ${loginOf(target)}`,
    hint: () => 'sshd’s log there may tell more.',
  },
];

/** What stopped a connection before it could be used. What is a BackupError already stays as it is. */
export function connectFailure(error: unknown, target: SftpTarget): BackupError {
  if (error instanceof BackupError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const rule = connectRules.find(({ applies }) => applies(error, text));
  if (rule === undefined) throw new Error('the last rule applies to every error');
  const { kind } = rule;
  return new BackupError(rule.message(target, text), {
    cause: error,
    hint: rule.hint(target),
    ...(kind === undefined ? {} : { kind }),
  });
}

export function connectTimedOut({ address, port, connectTimeoutMs }: SftpTarget): BackupError {
  return new BackupError(`${address} has not answered on port ${port} within ${connectTimeoutMs / 1000} seconds`, {
    kind: unreachable,
    hint: 'Is the machine on, does a firewall drop the packets? connect_timeout sets how long to wait.',
  });
}

export function connectionLost(target: SftpTarget, cause?: unknown): BackupError {
  return new BackupError(`the connection to ${target.address}:${target.port} broke`, {
    kind: 'connection-lost',
    hint: 'The network or the machine there failed in the middle of the work. It can be tried again.',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function wentSilent(target: SftpTarget, silenceMs: number): BackupError {
  return new BackupError(`${target.address}:${target.port} has not answered for ${silenceMs / 1000} seconds`, {
    kind: 'connection-lost',
    hint: 'The machine or the network there hangs. It can be tried again.',
  });
}

export function connectionClosed({ address, port }: SftpTarget): BackupError {
  return new BackupError(`the connection to ${address}:${port} is closed`);
}

function loginOf({ user, address, port }: SftpTarget): string {
  return `${user}@${address}:${port}`;
}

function isAboutLogin(error: unknown): boolean {
  return error instanceof Error && 'level' in error && error.level === 'client-authentication';
}
