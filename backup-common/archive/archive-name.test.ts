import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseArchive, formatArchiveName, parseArchiveName } from './archive-name.ts';

const filesNamed = (...names: string[]) => names.map((fileName) => ({ fileName }));

test('a name is made of the host and the time in UTC, and read back', () => {
  const made = formatArchiveName('web.example.org', new Date('2024-02-29T23:05:09.999Z'));
  assert.deepEqual(made, {
    fileName: 'web.example.org-20240229_230509.tar.gz',
    timestamp: '20240229_230509',
    time: new Date('2024-02-29T23:05:09Z'),
  });
  assert.deepEqual(parseArchiveName('web.example.org', made.fileName), made);
});

test('names of other hosts and other files are not archives of this host', () => {
  const others = [
    ['web', 'web-2-20240101_000000.tar.gz'],
    ['web-2', 'web-20240101_000000.tar.gz'],
    ['web', 'Web-20240101_000000.tar.gz'],
    ['w.b', 'web-20240101_000000.tar.gz'],
    ['web', 'old-web-20240101_000000.tar.gz'],
    ['web', 'web-20240101_000000.tar.gz.partial'],
    ['web', 'web-20240101_000000.tar'],
    ['web', 'web-20240101-000000.tar.gz'],
    ['web', 'web-20240101_000000.tar.gz\n'],
    ['web', 'web-.tar.gz'],
    ['web', 'web'],
  ] as const;
  for (const [host, fileName] of others) assert.equal(parseArchiveName(host, fileName), undefined, fileName);
});

test('a time that does not exist is refused', () => {
  const times = [
    '20230229_120000',
    '20241301_120000',
    '20240100_120000',
    '20240101_240000',
    '20240101_126000',
    '00240101_120000',
  ];
  for (const time of times) assert.equal(parseArchiveName('web', `web-${time}.tar.gz`), undefined, time);
});

test('local names are read in their time zone, also where clocks change', () => {
  const cases = [
    ['Europe/Berlin', '20240115_040000', '2024-01-15T03:00:00Z', 'winter'],
    ['Europe/Berlin', '20240715_040000', '2024-07-15T02:00:00Z', 'summer'],
    ['Europe/Berlin', '20240331_015959', '2024-03-31T00:59:59Z', 'the last second before the jump'],
    ['Europe/Berlin', '20240331_023000', '2024-03-31T01:30:00Z', 'a time that was jumped over'],
    ['Europe/Berlin', '20240331_030000', '2024-03-31T01:00:00Z', 'the first second after the jump'],
    ['Europe/Berlin', '20241027_023000', '2024-10-27T00:30:00Z', 'a time that came twice: the first one'],
    ['Europe/Berlin', '20241027_030000', '2024-10-27T02:00:00Z', 'after the hour that came twice'],
    ['America/New_York', '20241103_013000', '2024-11-03T05:30:00Z', 'west of Greenwich'],
    ['Australia/Lord_Howe', '20240407_014500', '2024-04-06T14:45:00Z', 'half an hour came twice'],
    ['Pacific/Kiritimati', '20240101_000000', '2023-12-31T10:00:00Z', '14 hours ahead'],
    ['Asia/Kathmandu', '20240101_000000', '2023-12-31T18:15:00Z', 'quarters of an hour'],
  ] as const;
  for (const [zone, timestamp, expected, what] of cases) {
    const parsed = parseArchiveName('web', `web-${timestamp}.tar.gz`, zone);
    assert.equal(parsed?.time.toISOString(), new Date(expected).toISOString(), what);
  }
});

test('the newest archive is chosen by the time in its name among those of the host', () => {
  const files = filesNamed(
    'web-20240103_000000.tar.gz',
    'web-20240105_000000.tar.gz',
    'web-20240104_000000.tar.gz',
    'web-2-20240109_000000.tar.gz',
    'done',
  );
  const choice = chooseArchive({ files, host: 'web', now: new Date('2024-02-01T00:00:00Z') });
  assert.equal(choice.newest?.fileName, 'web-20240105_000000.tar.gz');
  assert.deepEqual(choice.warnings, []);
});

test('an archive from more than ten minutes ahead is left out with a warning', () => {
  const now = new Date('2024-01-05T00:00:00Z');
  const files = filesNamed('web-20240105_001001.tar.gz', 'web-20240105_001000.tar.gz', 'web-20240104_000000.tar.gz');
  const choice = chooseArchive({ files, host: 'web', now });
  assert.equal(choice.newest?.fileName, 'web-20240105_001000.tar.gz');
  assert.equal(choice.warnings.length, 1);
  assert.match(choice.warnings[0] ?? '', /web-20240105_001001\.tar\.gz is left out.*archive_time_zone/);
});

test('with no archive at all there is no newest one', () => {
  assert.deepEqual(chooseArchive({ files: [], host: 'web', now: new Date() }), { newest: undefined, warnings: [] });
});

test('two names that mean the same instant are told apart by the name', () => {
  const files = filesNamed('web-20240331_033000.tar.gz', 'web-20240331_023000.tar.gz');
  const now = new Date('2024-05-01T00:00:00Z');
  for (const order of [files, [...files].reverse()]) {
    const choice = chooseArchive({ files: order, host: 'web', now, timeZone: 'Europe/Berlin' });
    assert.equal(choice.newest?.fileName, 'web-20240331_033000.tar.gz');
  }
});
