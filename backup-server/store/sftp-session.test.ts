import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import type SftpClient from 'ssh2-sftp-client';
import { type SftpRequests, SftpSession } from './sftp-session.ts';
import type { SftpTarget } from './sftp-target.ts';

/** Stands in for the library's client at the one moment that no real sshd gives on demand: it breaks while it says goodbye. */
class BreakingClient extends EventEmitter {
  async end(): Promise<void> {
    throw Object.assign(new Error('end: write EPIPE'), { code: 'EPIPE' });
  }
}

test('a connection that breaks while it is closed is closed all the same, and its work stays done', async () => {
  const socket = new Socket();
  const session = new SftpSession({
    target: { address: '127.0.0.1', port: 22, user: 'nobody' } as SftpTarget,
    client: new BreakingClient() as unknown as SftpClient,
    sftp: new EventEmitter() as unknown as SftpRequests,
    socket,
    signal: new AbortController().signal,
  });
  await session.close();
  assert.equal(socket.destroyed, true);
});
