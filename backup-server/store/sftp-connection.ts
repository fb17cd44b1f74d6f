import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import SftpClient from 'ssh2-sftp-client';
import { BackupError } from '#common/errors.ts';
import { hostKeyFailure, hostKeyKind } from './host-key-failure.ts';
import { type HostKeyAlgorithm, type HostTrust, hostKeyOf, hostKeyOffers, judgeHostKey } from './host-trust.ts';
import { connectFailure, connectTimedOut } from './sftp-failures.ts';
import { SftpSession } from './sftp-session.ts';
import type { SftpTarget } from './sftp-target.ts';

/** Also tells a router on the way that the connection is in use while restic works. */
const keepaliveMs = 15_000;
const keepalivesUnanswered = 4;

/**
 * Logs in and opens SFTP. Nothing but the one key is tried, and nothing is sent to a host whose own key is not
 * trusted. Rejects with a BackupError, or with the signal's reason when it aborts.
 */
export async function connectSftp(target: SftpTarget, trust: HostTrust, signal: AbortSignal): Promise<SftpSession> {
  const privateKey = await readKey(target.keyFile);
  let firstRefusal: unknown;
  for (const algorithms of hostKeyOffers(trust)) {
    try {
      return await connectOnce({ target, trust, privateKey, algorithms, signal });
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind !== hostKeyKind) throw error;
      firstRefusal ??= error;
    }
  }
  throw firstRefusal;
}

interface Attempt {
  readonly target: SftpTarget;
  readonly trust: HostTrust;
  readonly privateKey: Buffer;
  readonly algorithms: readonly HostKeyAlgorithm[];
  readonly signal: AbortSignal;
}

async function connectOnce(attempt: Attempt): Promise<SftpSession> {
  const { target, signal } = attempt;
  signal.throwIfAborted();
  const socket = openSocket(target);
  const client = new SftpClient(target.address, {}); // with no callbacks, so that it prints nothing
  let reason: unknown;
  const fail = (error: unknown) => {
    reason ??= error;
    socket.destroy(new Error('given up')); // an error of its own: ssh2 marks the one it gets as the socket’s
  };
  const abort = () => fail(signal.reason);
  const timer = setTimeout(() => fail(connectTimedOut(target)), target.connectTimeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  socket.on('error', fail);
  client.on('error', fail);
  try {
    await once(socket, 'connect');
    const sftp = await client.connect(settingsOf(attempt, socket, fail));
    return new SftpSession({ target, client, sftp, socket, signal });
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw signal.reason;
    throw connectFailure(reason ?? error, target);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    client.removeListener('error', fail);
  }
}

/** A host with several addresses gets time for the next one when the first is silent. */
function openSocket({ address, port, connectTimeoutMs }: SftpTarget): Socket {
  const autoSelectFamilyAttemptTimeout = Math.max(10, Math.floor(connectTimeoutMs / 3));
  const socket = connectSocket({ host: address, port, autoSelectFamily: true, autoSelectFamilyAttemptTimeout });
  return socket.setNoDelay(true);
}

function settingsOf(attempt: Attempt, socket: Socket, fail: (error: unknown) => void): SftpClient.ConnectOptions {
  const { target, trust, privateKey, algorithms } = attempt;
  return {
    sock: socket,
    username: target.user,
    privateKey,
    authHandler: ['publickey'],
    algorithms: { serverHostKey: [...algorithms] },
    hostVerifier: (blob: Buffer) => {
      const key = hostKeyOf(blob);
      const verdict = judgeHostKey(trust, key);
      if (verdict !== 'trusted') fail(hostKeyFailure(verdict, key, trust, target));
      return verdict === 'trusted';
    },
    readyTimeout: 0, // connectTimeoutMs covers more
    keepaliveInterval: keepaliveMs,
    keepaliveCountMax: keepalivesUnanswered,
  };
}

async function readKey(keyFile: string): Promise<Buffer> {
  try {
    return await readFile(keyFile);
  } catch (error) {
    throw new BackupError(`cannot read the key ${keyFile}`, {
      cause: error,
      hint: 'Make one with ssh-keygen -t ed25519 -N "" and put its public half on the host, or mend ssh_key_file.',
    });
  }
}
