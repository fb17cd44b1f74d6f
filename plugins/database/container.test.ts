import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerOf, parseMounts } from './container.ts';

test('the docker that belongs to a compose command is found', () => {
  assert.deepEqual(dockerOf('docker compose'), ['docker']);
  assert.deepEqual(dockerOf('/usr/bin/docker --context web compose'), ['/usr/bin/docker', '--context', 'web']);
  assert.deepEqual(dockerOf('docker-compose'), ['docker']);
  assert.deepEqual(dockerOf('/usr/local/bin/podman-compose'), ['/usr/local/bin/podman']);
});

test("mounts are told by where the container has them, at the server's folder or below it", () => {
  const output = '/srv/db\t/var/lib/mysql\n/srv/log\t/var/lib/mysql/log\n/srv/x\t/var/lib/mysql2\n\n';
  assert.deepEqual(parseMounts(output, '/var/lib/mysql'), ['/srv/db', '/srv/log']);
});
