import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dropInFor, type NeededPath, refusedPaths } from './unit-paths.ts';

const read = (path: string): NeededPath => ({ path, needs: 'read', because: 'some_key' });
const write = (path: string): NeededPath => ({ path, needs: 'write', because: 'some_key' });

describe('what a unit refuses', () => {
  const table: readonly (readonly [unit: string, refused: readonly NeededPath[], allowed: readonly NeededPath[]])[] = [
    ['', [], [write('/srv'), read('/home/x')]],
    ['ProtectSystem=yes', [write('/usr/x')], [write('/etc/x'), read('/usr/x')]],
    ['ProtectSystem=full', [write('/etc/x')], [write('/srv')]],
    ['ProtectSystem=strict', [write('/srv'), write('/')], [read('/srv'), write('/dev/shm/x')]],
    ['ProtectSystem=strict\nProtectSystem=no', [], [write('/srv')]],
    [
      'ProtectSystem=strict\nReadWritePaths=-/srv/a +/srv/b/\nReadWritePaths="/srv/c d"',
      [write('/srv'), write('/srv/ab'), write('/srv/c')],
      [write('/srv/a'), write('/srv/a/x'), write('/srv/b/x'), write('/srv/c d/x')],
    ],
    [
      'ProtectSystem=strict\nReadWritePaths=/srv/a\nReadWritePaths=\nReadWritePaths=/srv/b',
      [write('/srv/a')],
      [write('/srv/b')],
    ],
    ['ProtectSystem=strict\nReadWritePaths=/srv/a \\\n  /srv/b', [], [write('/srv/a'), write('/srv/b')]],
    [
      'ProtectSystem=strict\nStateDirectory=a b\nCacheDirectory=c\nRuntimeDirectory=d\nLogsDirectory=e',
      [write('/var/lib/c')],
      ['/var/lib/a', '/var/lib/b/x', '/var/cache/c', '/run/d', '/var/log/e'].map(write),
    ],
    ['ReadWritePaths=/srv\nReadOnlyPaths=/srv/a', [write('/srv/a/x')], [write('/srv/b'), read('/srv/a/x')]],
    ['ReadOnlyPaths=/srv\nReadWritePaths=/srv/a', [write('/srv/b')], [write('/srv/a/x')]],
    ['ProtectHome=read-only', [write('/root/x')], [read('/home/x')]],
    ['ProtectHome=read-only\nReadWritePaths=/home/x', [write('/home/y')], [write('/home/x/z')]],
    [
      'ProtectHome=true\nReadWritePaths=/home/x',
      [read('/root/.ssh/known_hosts'), write('/home/x')],
      [read('/srv/home')],
    ],
    ['ProtectHome=tmpfs\nBindReadOnlyPaths=/home/x', [read('/home/y'), write('/home/x')], [read('/home/x/z')]],
    ['PrivateTmp=yes\nReadWritePaths=/var/tmp/a', [write('/var/tmp/a'), read('/tmp/x')], [write('/var/tmpx')]],
    ['PrivateTmp=yes\nBindPaths=/srv/a:/var/tmp/a', [write('/var/tmp/b')], [write('/var/tmp/a/x')]],
    ['InaccessiblePaths=-/srv/a\nReadWritePaths=/srv/a/b', [read('/srv/a'), write('/srv/a/b')], [read('/srv/ab')]],
  ];
  for (const [unit, refused, allowed] of table) {
    test(unit === '' ? 'nothing without a sandbox' : unit.replaceAll('\n', '; '), () => {
      const found = refusedPaths(unit, [...refused, ...allowed]).map(({ path, needs, because }) => ({
        path,
        needs,
        because,
      }));
      assert.deepEqual(found, refused);
    });
  }
});

describe('the drop-in that mends it', () => {
  const mends: readonly (readonly [unit: string, needed: NeededPath, refusedBy: string, lines: readonly string[]])[] = [
    ['ProtectSystem=strict', write('/srv/a'), 'ProtectSystem=strict', ['ReadWritePaths=/srv/a']],
    ['ProtectSystem=strict', write('/srv/50% a'), 'ProtectSystem=strict', ['ReadWritePaths="/srv/50%% a"']],
    ['ProtectHome=yes', read('/root/x'), 'ProtectHome=yes', ['ProtectHome=read-only']],
    ['ProtectHome=yes', write('/root/x'), 'ProtectHome=yes', ['ProtectHome=read-only', 'ReadWritePaths=/root/x']],
    ['PrivateTmp=yes', write('/var/tmp/x'), 'PrivateTmp=yes', ['BindPaths=/var/tmp/x']],
    ['PrivateTmp=yes', read('/tmp/x'), 'PrivateTmp=yes', ['BindReadOnlyPaths=/tmp/x']],
    [
      'InaccessiblePaths=/srv /opt',
      read('/srv/a'),
      'InaccessiblePaths=/srv',
      ['InaccessiblePaths=', 'InaccessiblePaths=/opt'],
    ],
  ];
  for (const [unit, needed, refusedBy, lines] of mends) {
    test(`${unit}, to ${needed.needs} ${needed.path}`, () => {
      const refused = refusedPaths(unit, [needed]);
      assert.equal(refused[0]?.refusedBy, refusedBy);
      const dropIn = dropInFor(refused);
      assert.deepEqual(dropIn.split('\n').slice(2), [`# some_key: ${needed.path}`, ...lines]);
      assert.deepEqual(refusedPaths(`${unit}\n${dropIn}`, [needed]), []);
    });
  }

  test('says each thing once', () => {
    const refused = refusedPaths('ProtectHome=yes', [read('/root/a'), read('/root/b')]);
    assert.equal(dropInFor(refused).match(/ProtectHome=/g)?.length, 1);
  });
});
