import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyCommand, integrityCommand } from './sqlite-commands.ts';

test('a database is copied within one read transaction, and is opened for reading only', () => {
  const request = { source: '/srv/a b?.db', folder: '/work', name: 'a.db', busyTimeoutMs: 500, timeoutMs: 9000 };
  const steps = ['.timeout 500', 'BEGIN', 'SELECT 1 FROM sqlite_master LIMIT 0', '.backup a.db', 'COMMIT'];
  assert.deepEqual(copyCommand({ ...request, isIdle: false }), {
    file: 'sqlite3',
    args: ['-batch', '-bail', '-init', '/dev/null', 'file:///srv/a%20b%3F.db?mode=ro', ...steps],
    cwd: '/work',
    timeoutMs: 9000,
  });
  assert.equal(copyCommand({ ...request, isIdle: true }).args[4], 'file:///srv/a%20b%3F.db?immutable=1');
});

test('a copy is checked in full, or quickly', () => {
  assert.equal(integrityCommand('/work/a.db', 'full', 1).args.at(-1), 'PRAGMA integrity_check(5)');
  assert.equal(integrityCommand('/work/a.db', 'quick', 1).args.at(-1), 'PRAGMA quick_check(5)');
});
