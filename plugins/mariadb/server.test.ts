import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayLockAll, parseServer } from './server.ts';

test("a server's answer is its version, whether it has a binary log, and its databases", () => {
  const output = '10.11.6-MariaDB-0+deb12u1-log\t1\ninformation_schema\nmysql\nperformance_schema\nshop\nsys\n';
  assert.deepEqual(parseServer(output), {
    isMariadb: true,
    version: 10.11,
    hasBinaryLog: true,
    databases: {
      known: ['information_schema', 'mysql', 'performance_schema', 'shop', 'sys'],
      all: ['mysql', 'shop'],
    },
  });
  assert.deepEqual(parseServer('8.4.2\t0\n'), {
    isMariadb: false,
    version: 8.04,
    hasBinaryLog: false,
    databases: { known: [], all: [] },
  });
});

test('the right to lock all is one on the whole server', () => {
  assert.equal(mayLockAll('GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION\n'), true);
  assert.equal(
    mayLockAll('GRANT SELECT, RELOAD, EVENT ON *.* TO `b`@`%`\nGRANT SELECT ON `shop`.* TO `b`@`%`\n'),
    true,
  );
  assert.equal(mayLockAll('GRANT USAGE ON *.* TO `b`@`%`\nGRANT ALL PRIVILEGES ON `shop`.* TO `b`@`%`\n'), false);
});
