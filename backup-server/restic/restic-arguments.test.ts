import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type BackupRequest,
  backupArguments,
  forgetArguments,
  leavesOut,
  restoreArguments,
} from './restic-arguments.ts';

const request: BackupRequest = {
  folder: '/srv/tree',
  time: new Date('2026-01-02T03:04:05.678Z'),
  tags: [],
  ignoreInode: false,
  force: false,
};

describe('arguments of restic backup', () => {
  const always = ['backup', '--json', '--host', 'web', '--time', '2026-01-02 03:04:05'];
  const cases = [
    ['a tree that is kept', {}, [], [...always, '.']],
    [
      'tags, each as an argument of its own',
      { tags: ['web', '20260102_030405', 'service:docker/my shop'] },
      [],
      [...always, '--tag', 'web', '--tag', '20260102_030405', '--tag', 'service:docker/my shop', '.'],
    ],
    ['a tree that was unpacked anew', { ignoreInode: true }, [], [...always, '--ignore-inode', '.']],
    [
      'with a file that changed unseen',
      { ignoreInode: true, force: true },
      [],
      [...always, '--ignore-inode', '--force', '.'],
    ],
    [
      'the configured options, last before the folder',
      {},
      ['--compression', 'max'],
      [...always, '--compression', 'max', '.'],
    ],
  ] as const;
  for (const [what, more, options, expected] of cases)
    it(what, () => assert.deepEqual(backupArguments('web', { ...request, ...more }, options), expected));
});

it('a plan to forget changes nothing, is of one host only, and does not group by paths', () => {
  const rules = [
    ['--keep-daily', '7'],
    ['--keep-within', '2m'],
  ] as const;
  assert.deepEqual(forgetArguments('web', rules), [
    'forget',
    '--dry-run',
    '--json',
    '--host',
    'web',
    '--group-by',
    'host',
    '--keep-daily',
    '7',
    '--keep-within',
    '2m',
  ]);
});

describe('arguments of restic restore', () => {
  const restore = (...paths: string[]) => restoreArguments({ snapshot: 'abc', target: '/to', paths });

  it('name everything by naming nothing', () => {
    assert.deepEqual(restore(), ['restore', '--no-lock', '--target', '/to', '--', 'abc']);
  });

  it('name paths from the root of the snapshot', () => {
    assert.deepEqual(restore('docker/shop', 'a b').slice(4, -2), ['--include', '/docker/shop', '--include', '/a b']);
  });

  for (const [path, pattern] of [
    ['x[a]', String.raw`/x\[a\]`],
    ['*', String.raw`/\*`],
    ['why?', String.raw`/why\?`],
    [String.raw`back\slash`, String.raw`/back\\slash`],
    ['!not', '/!not'],
    ['$HOME', '/$HOME'],
  ] as const) {
    it(`take ${path} for a name and not for a pattern`, () => assert.equal(restore(path)[5], pattern));
  }
});

describe('options that leave files out', () => {
  const leaving = [
    ['--exclude', '*.tmp'],
    ['--exclude=*.tmp'],
    ['--iexclude', '*.tmp'],
    ['--exclude-file', '/etc/excludes'],
    ['--exclude-if-present', '.backup_ignore'],
    ['--exclude-caches'],
    ['--exclude-larger-than', '1G'],
    ['-e', '*.tmp'],
    ['--one-file-system'],
    ['-x'],
  ];
  for (const options of leaving) it(`are ${options.join(' ')}`, () => assert.equal(leavesOut(options), true));

  const harmless = [
    [],
    ['--compression', 'max'],
    ['--pack-size', '64'],
    ['--read-concurrency', '4'],
    ['--limit-upload', '1'],
  ];
  for (const options of harmless)
    it(`are not ${options.join(' ') || 'no options'}`, () => assert.equal(leavesOut(options), false));
});
