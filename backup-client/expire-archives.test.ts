import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expiredArchives, type KnownArchive } from './expire-archives.ts';

const now = new Date('2026-03-31T12:00:00Z');

function archive(daysAgo: number, more: Partial<KnownArchive> = {}): KnownArchive {
  return {
    path: `${daysAgo}`,
    time: new Date(now.getTime() - daysAgo * 86_400_000),
    isComplete: true,
    isOurs: true,
    ...more,
  };
}

const cases: readonly (readonly [what: string, archives: readonly KnownArchive[], expired: readonly string[]])[] = [
  ['nothing goes before its days have passed', [archive(1), archive(6.9)], []],
  ['what is older goes', [archive(1), archive(8), archive(30)], ['8', '30']],
  ['the newest stays, whatever its age', [archive(100)], []],
  [
    'the newest complete one stays beside newer partial ones',
    [archive(9, { isComplete: false }), archive(20), archive(30)],
    ['30'],
  ],
  ['partial ones go when a complete one is newer', [archive(1), archive(9, { isComplete: false })], ['9']],
  [
    'a complete one that the server moved away protects too',
    [archive(8, { isComplete: false }), archive(9, { isOurs: false }), archive(10)],
    ['10'],
  ],
  ['what the server moved away is the server’s', [archive(1), archive(50, { isOurs: false })], []],
  ['an archive from the future counts as the newest', [archive(-5), archive(8)], ['8']],
];
for (const [what, archives, expired] of cases) {
  it(what, () =>
    assert.deepEqual(
      expiredArchives(archives, 7, now).map(({ path }) => path),
      expired,
    ),
  );
}
