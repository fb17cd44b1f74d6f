import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVersion, requireNewEnough } from './check-client.ts';
import { parseServer, selectDatabases } from './server.ts';

const server = parseServer('150018|\0a|b\nc|false\0shop|false\0template1|true\0');

test("a server's answer is its version and its databases, whatever their names", () => {
  assert.deepEqual(server, {
    majorVersion: 15,
    databases: [
      { name: 'a|b\nc', isTemplate: false },
      { name: 'shop', isTemplate: false },
      { name: 'template1', isTemplate: true },
    ],
  });
});

test('all databases are those that are no template, and a named one may be a template', () => {
  const namesOf = (options: object) =>
    selectDatabases({ format: 'custom', globals: false, timeout: '1h', ...options }, server, 'postgresql');
  assert.deepEqual(namesOf({ databases: 'all' }), ['a|b\nc', 'shop']);
  assert.deepEqual(namesOf({ databases: ['template1', 'shop', 'shop'] }), ['template1', 'shop']);
  assert.deepEqual(namesOf({ database: 'shop' }), ['shop']);
});

test('versions are compared by their first number', () => {
  assert.equal(parseVersion('pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n'), 15);
  assert.equal(parseVersion('pg_dump (PostgreSQL) 9.6.24\n'), 9);
  assert.equal(parseVersion('pg_dump (PostgreSQL) 18beta1\n'), 18);
  assert.equal(parseVersion('usage'), undefined);
  assert.doesNotThrow(() => requireNewEnough(16, 15, 'postgresql'));
  assert.throws(() => requireNewEnough(9, 15, 'postgresql'), { hint: /^Install postgresql-client-15/ });
});
