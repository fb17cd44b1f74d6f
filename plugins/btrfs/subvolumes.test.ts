import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snapshotFolderOf } from './btrfs-snapshot.ts';
import { parseListed, parseShown } from './subvolumes.ts';

test('a subvolume is known by its path from the top and its UUID, not by those of its parent', () => {
  const shown = (path: string) => `${path}\n\tName: \t\t\tdata\n\tUUID: \t\t\t0d23-1\n\tParent UUID: \t\t04bf-2\n`;
  assert.deepEqual(parseShown(shown('@data/x')), { fsPath: '@data/x', uuid: '0d23-1' });
  assert.deepEqual(parseShown(shown('/')), { fsPath: '', uuid: '0d23-1' });
});

test('a list of subvolumes is read line by line, whatever is in a path', () => {
  const listed =
    'ID 257 gen 7 top level 256 uuid 131a-1 path a b/path c\nID 258 gen 8 top level 256 uuid 5f-2 path d\n';
  assert.deepEqual(parseListed(listed), [
    { uuid: '131a-1', fsPath: 'a b/path c' },
    { uuid: '5f-2', fsPath: 'd' },
  ]);
  assert.deepEqual(parseListed(''), []);
});

test('snapshots lie beside a subvolume, or in it where nothing of its file system is beside it', () => {
  const mount = (target: string) => ({ target, source: '/dev/sda1', fstype: 'btrfs', fsroot: '/' });
  const mounts = ['/', '/home', '/srv'].map(mount);
  const table: readonly (readonly [subvolume: string, folder: string])[] = [
    ['/srv/shop', '/srv/.backup-suite-snapshots'],
    ['/home', '/home/.backup-suite-snapshots'],
    ['/opt', '/opt/.backup-suite-snapshots'],
    ['/opt/a/b', '/opt/a/.backup-suite-snapshots'],
    ['/', '/.backup-suite-snapshots'],
  ];
  for (const [subvolume, folder] of table) assert.equal(snapshotFolderOf(subvolume, mounts), folder, subvolume);
});
