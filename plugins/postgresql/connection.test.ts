import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectionOf, isLocal } from './connection.ts';

const none = { host: undefined, port: undefined, user: undefined, account: undefined };
const password = { env: 'SECRET' };

describe('how PostgreSQL is reached', () => {
  const cases: readonly (readonly [Parameters<typeof connectionOf>[0], Partial<ReturnType<typeof connectionOf>>])[] = [
    [{}, { account: 'postgres' }],
    [{ port: 5433 }, { port: 5433, account: 'postgres' }],
    [{ run_as: 'shop' }, { account: 'shop' }],
    [
      { run_as: 'shop', user: 'reader' },
      { account: 'shop', user: 'reader' },
    ],
    [{ host: '/run/postgresql' }, { host: '/run/postgresql', account: 'postgres' }],
    [
      { host: '/run/postgresql', user: 'reader' },
      { host: '/run/postgresql', user: 'reader', account: 'postgres' },
    ],
    [
      { host: '/run/postgresql', user: 'reader', password },
      { host: '/run/postgresql', user: 'reader' },
    ],
    [{ user: 'reader' }, { host: 'localhost', user: 'reader' }],
    [{ password }, { host: 'localhost' }],
    [
      { host: 'db.example.org', user: 'reader' },
      { host: 'db.example.org', user: 'reader' },
    ],
    [
      { hostname: 'db.example.org', username: 'reader' },
      { host: 'db.example.org', user: 'reader' },
    ],
    [{ container: 'db' }, { user: 'postgres' }],
    [
      { container: 'db', user: 'reader', run_as: 'shop' },
      { user: 'reader', account: 'shop' },
    ],
  ];
  for (const [options, expected] of cases) {
    test(JSON.stringify(options), () => assert.deepEqual(connectionOf(options), { ...none, ...expected }));
  }
});

test('a server is of this machine when it is reached by a socket or the loopback', () => {
  const hosts = [undefined, '/run/postgresql', 'localhost', '127.0.0.1', '::1', 'db.example.org'];
  assert.deepEqual(
    hosts.map((host) => isLocal({ ...none, host })),
    [true, true, true, true, true, false],
  );
});
