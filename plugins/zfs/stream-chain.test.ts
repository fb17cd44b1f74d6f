import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chainOf, fileNameOf, type NextStream, nextStream } from './stream-chain.ts';

describe('the streams that are kept', () => {
  const [old, oldMore] = ['20250101_030000-full.zfs', '20250102_030000-incremental.zfs'];
  const [full, first, second] = [
    '20250201_030000-full.zfs',
    '20250202_030000-incremental.zfs',
    '20250203_030000-incremental.zfs',
  ];
  const chains: readonly (readonly [title: string, files: string[], links: string[], obsolete: string[]])[] = [
    ['are none at first', [], [], []],
    ['are a full one and those after it', [second, full, first], [full, first, second], []],
    ['do not count when they are of an older chain', [full, old, oldMore], [full], [old, oldMore]],
    ['do not count without a full one before them', [first], [], [first]],
    ['do not count while they are half', [full, `${first}.partial`], [full], [`${first}.partial`]],
  ];
  for (const [title, files, links, obsolete] of chains) {
    test(title, () => {
      const chain = chainOf(files);
      assert.deepEqual([chain.links.map(({ file }) => file), chain.obsolete], [links, obsolete]);
    });
  }

  const bookmark = (time: string) => `tank/srv#backup-suite-${time}:docker:shop:zfs`;
  const incremental = (time: string): NextStream => ({ type: 'incremental', base: bookmark(time) });
  const table: readonly (readonly [title: string, files: string[], bookmarks: string[], next: NextStream])[] = [
    ['begin with a full one', [], [], { type: 'full' }],
    ['go on at the last one', [full, first], ['20250201_030000', '20250202_030000'], incremental('20250202_030000')],
    ['begin anew without the bookmark of the last one', [full, first], ['20250201_030000'], { type: 'full' }],
    ['begin anew in time', [old, oldMore], ['20250102_030000'], { type: 'full' }],
  ];
  for (const [title, files, times, next] of table) {
    test(title, () => {
      const now = new Date('2025-02-03T03:00:00Z');
      assert.deepEqual(nextStream(chainOf(files), times.map(bookmark), now, 30 * 86_400), next);
    });
  }

  test('are named by the time of their snapshot', () => {
    assert.equal(fileNameOf('backup-suite-20250203_030000:docker:shop:zfs', 'incremental'), second);
  });
});
