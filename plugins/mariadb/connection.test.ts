import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectionArgs, isLocal } from './connection.ts';

describe('how MariaDB is reached', () => {
  const cases: readonly (readonly [Parameters<typeof connectionArgs>[0], string, boolean])[] = [
    [{}, '', true],
    [{ user: 'reader' }, '--user=reader', true],
    [{ port: 3306 }, '', true],
    [{ port: 3307 }, '--protocol=tcp --host=localhost --port=3307', true],
    [{ host: 'localhost', port: 3306, user: 'root' }, '--host=localhost --user=root', true],
    [{ host: 'localhost', port: 3307 }, '--protocol=tcp --host=localhost --port=3307', true],
    [{ host: '/run/mysqld/mysqld.sock', port: 3307 }, '--socket=/run/mysqld/mysqld.sock', true],
    [{ host: '127.0.0.1' }, '--host=127.0.0.1', true],
    [{ hostname: 'db.example.org', port: 3306, username: 'x' }, '--host=db.example.org --port=3306 --user=x', false],
  ];
  for (const [options, args, local] of cases) {
    test(JSON.stringify(options), () => {
      assert.equal(connectionArgs(options).join(' '), args);
      assert.equal(isLocal(options), local);
    });
  }
});
