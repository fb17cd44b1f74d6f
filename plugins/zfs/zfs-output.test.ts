import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDatasets, streamProblem } from './zfs-output.ts';

test('datasets are read with what decides how they can be saved', () => {
  const lines = [
    'tank/a b\t12\tfilesystem\tyes\t/srv/a b\ton\toff\t-',
    'tank/l\t13\tfilesystem\tno\tlegacy\ton\taes-256-gcm\tunavailable',
    'tank/c\t14\tfilesystem\tno\tnone\toff\taes-256-gcm\tavailable',
    'tank/v\t15\tvolume\t-\t-\t-\toff\t-',
  ];
  const plain = { isMounted: false, mountpoint: undefined, isContainer: false, isEncrypted: false, isOpen: true };
  assert.deepEqual(parseDatasets(`${lines.join('\n')}\n`), [
    { ...plain, name: 'tank/a b', guid: '12', type: 'filesystem', isMounted: true, mountpoint: '/srv/a b' },
    { ...plain, name: 'tank/l', guid: '13', type: 'filesystem', isEncrypted: true, isOpen: false },
    { ...plain, name: 'tank/c', guid: '14', type: 'filesystem', isContainer: true, isEncrypted: true },
    { ...plain, name: 'tank/v', guid: '15', type: 'volume' },
  ]);
  assert.deepEqual(parseDatasets(''), []);
});

describe('a stream', () => {
  const summary = (begins: number, ends: number, length: number): string =>
    `SUMMARY:\n\tTotal DRR_BEGIN records = ${begins} (0 bytes)\n\tTotal DRR_END records = ${ends} (0 bytes)\n` +
    `\tTotal records = 35\n\tTotal stream length = ${length} (0xbeb8)\n`;
  const table: readonly (readonly [title: string, said: string, problem: string | undefined])[] = [
    ['is whole with its last record', summary(1, 1, 48824), undefined],
    ['without a record is empty', summary(0, 0, 0), 'it is empty'],
    ['without its last record is cut off', summary(1, 0, 12872), 'it is cut off'],
    ['with something after it is none', summary(1, 1, 40000), 'there is more than the stream in it'],
    [
      'with a wrong checksum is none',
      `Incorrect checksum in record header.\n${summary(1, 0, 9464)}invalid checksum\n`,
      'its checksums do not match',
    ],
    ['of which nothing is said is none', '', 'it is empty'],
  ];
  for (const [title, said, problem] of table) test(title, () => assert.equal(streamProblem(said, 48824), problem));
});
