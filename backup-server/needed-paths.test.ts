import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostConfig, ServerConfig } from './config.ts';
import { neededPaths } from './needed-paths.ts';

test('the units are asked for all that the configuration names on this machine', () => {
  const host = (name: string, connection: object, more: Partial<HostConfig> = {}) => ({
    name,
    repository: `/srv/restic/${name}`,
    passwordFile: '/etc/pw',
    afterFetch: 'move',
    connection,
    ...more,
  });
  const sftp = { type: 'sftp', keyFile: '/etc/key', hostKeys: [], knownHostsFile: '/root/.ssh/known_hosts' };
  const pinned = { ...sftp, hostKeys: ['ssh-ed25519 AAAA'] };
  const config = {
    workDir: '/work',
    stateDir: '/state',
    runtimeDir: '/run/backup',
    restic: { cacheDir: '/cache', envFile: '/etc/env' },
    hosts: [
      host('a', sftp),
      host('b', pinned, { repository: 's3:https://storage/b' }),
      host('c', { type: 'local', folder: '/drop' }),
      host('d', { type: 'local', folder: '/other' }, { afterFetch: 'keep' }),
    ],
  } as unknown as ServerConfig; // only what is asked for

  const asked = neededPaths(config);
  const both = [
    'write /state',
    'write /run/backup',
    'write /cache',
    'write /srv/restic',
    'read /etc/env',
    'read /etc/pw',
  ];
  const hosts = ['read /etc/key', 'read /root/.ssh/known_hosts', 'read /etc/key', 'write /drop', 'read /other'];
  const told = (unit: string) => asked[unit]?.map(({ needs, path }) => `${needs} ${path}`);
  assert.deepEqual(told('backup-server.service'), ['write /work', ...both, ...hosts]);
  assert.deepEqual(told('restic-maintenance.service'), both);
});
