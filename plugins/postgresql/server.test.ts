import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVersion, requireNewEnough } from './check-client.ts';
import { parseServer } from './server.ts';

test("a server's answer is its version and its databases, whatever their names", () => {
  assert.deepEqual(parseServer('150018|\0a|b\nc|false\0shop|false\0template1|true\0'), {
    majorVersion: 15,
    databases: { known: ['a|b\nc', 'shop', 'template1'], all: ['a|b\nc', 'shop'] },
  });
});

test('versions are compared by their first number', () => {
  assert.equal(parseVersion('pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n'), 15);
  assert.equal(parseVersion('pg_dump (PostgreSQL) 9.6.24\n'), 9);
  assert.equal(parseVersion('pg_dump (PostgreSQL) 18beta1\n'), 18);
  assert.equal(parseVersion('usage'), undefined);
  assert.doesNotThrow(() => requireNewEnough(16, 15, 'postgresql'));
  assert.throws(() => requireNewEnough(9, 15, 'postgresql'), { hint: /^Install postgresql-client-15/ });
});
