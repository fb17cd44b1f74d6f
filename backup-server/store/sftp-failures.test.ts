import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupError } from '#common/errors.ts';
import { connectFailure } from './sftp-failures.ts';

const target = {
  address: 'web',
  port: 2222,
  user: 'fetch',
  keyFile: '/etc/backup/id',
  connectTimeoutMs: 10_000,
  silenceMs: 60_000,
};

function systemError(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

test('every failure to connect is told in its own words, with a hint and its cause', () => {
  const cases = [
    [systemError('ECONNREFUSED'), 'unreachable', /web refuses connections on port 2222/],
    [systemError('ENOTFOUND'), 'unreachable', /the address of web cannot be found/],
    [systemError('EAI_AGAIN'), 'unreachable', /the address of web cannot be found/],
    [
      systemError('EHOSTUNREACH', 'connect EHOSTUNREACH 10.0.0.9'),
      'unreachable',
      /cannot be reached \(.*10\.0\.0\.9\)/,
    ],
    [systemError('ETIMEDOUT'), 'unreachable', /web cannot be reached/],
    [systemError('ECONNRESET'), 'unreachable', /web closed the connection before the login/],
    [new Error('Connection lost before handshake'), 'unreachable', /web closed the connection before the login/],
    [
      Object.assign(new Error('All configured authentication methods failed'), { level: 'client-authentication' }),
      undefined,
      /fetch@web:2222 does not accept the key \/etc\/backup\/id/,
    ],
    [new Error('Handshake failed: no matching host key format'), 'host-key', /web has no host key of a type/],
    [new Error('Unable to start subsystem: sftp'), undefined, /fetch@web:2222 offers no SFTP/],
    [new Error('(SSH) Channel open failure: open failed'), undefined, /fetch@web:2222 offers no SFTP/],
    [new Error('something else'), undefined, /cannot connect to fetch@web:2222/],
  ] as const;
  for (const [cause, kind, message] of cases) {
    const failure = connectFailure(cause, target);
    assert.match(failure.message, message);
    assert.equal(failure.kind, kind, cause.message);
    assert.equal(failure.cause, cause);
    assert.ok(failure.hint, cause.message);
  }
});

test('what was told already stays as it is', () => {
  const told = new BackupError('told');
  assert.equal(connectFailure(told, target), told);
});
