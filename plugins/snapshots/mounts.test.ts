import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectorContext } from '#common/testing/collector-context.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { type Mount, mountedBelow, mountOf, readMounts } from './mounts.ts';

const mount = (target: string, source: string): Mount => ({ target, source, fstype: 'zfs', fsroot: '/' });
const mounts = [mount('/', 'rpool'), mount('/srv', 'old'), mount('/srv/a b', 'tank/ab'), mount('/srv', 'tank/srv')];

test('a path is seen through the nearest mount above it, the last one made there', () => {
  const table: readonly (readonly [path: string, source: string])[] = [
    ['/etc/x', 'rpool'],
    ['/', 'rpool'],
    ['/srv', 'tank/srv'],
    ['/srv/x', 'tank/srv'],
    ['/srv/a b/x', 'tank/ab'],
    ['/srvx', 'rpool'],
  ];
  for (const [path, source] of table) assert.equal(mountOf(path, mounts)?.source, source, path);
  assert.equal(mountOf('/x', []), undefined);
});

test('what is mounted below a path is named once, the path itself is not', () => {
  assert.deepEqual(mountedBelow('/', mounts), ['/srv', '/srv/a b']);
  assert.deepEqual(mountedBelow('/srv', mounts), ['/srv/a b']);
  assert.deepEqual(mountedBelow('/sr', mounts), []);
});

test('the mounts of this machine can be read', async (context) => {
  const found = await readMounts(collectorContext(await tempFolder(context), 'files'));
  assert.equal(mountOf('/proc/self', found)?.fstype, 'proc');
  assert.equal(mountOf('/', found)?.target, '/');
});
