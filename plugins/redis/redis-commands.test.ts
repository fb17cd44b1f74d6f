import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorIn, parseInfo, parseSettings, redisCli, sendRdb } from './redis-commands.ts';
import { isSaved } from './save-to-file.ts';

test('the address, the user and encryption are words of the command, the password never is', () => {
  const address = { host: 'db', port: 6380, tls: false };
  assert.deepEqual(redisCli(address, ['PING']), { file: 'redis-cli', args: ['-h', 'db', '-p', '6380', 'PING'] });
  assert.deepEqual(sendRdb({ ...address, socket: '/run/redis.sock', user: 'backup' }, '/work/dump.rdb').args, [
    ...['-s', '/run/redis.sock', '--user', 'backup'],
    ...['--rdb', '/work/dump.rdb'],
  ]);
  assert.deepEqual(redisCli({ ...address, tls: true, tls_ca_file: '/ca.pem' }, []).args.slice(4), [
    ...['--tls', '--cacert', '/ca.pem'],
  ]);
});

test('an error of the server is told from an answer', () => {
  for (const error of [
    'NOAUTH Authentication required.',
    'NOPERM no',
    'ERR unknown command',
    'WRONGPASS bad',
    'LOADING wait',
  ])
    assert.equal(errorIn(`${error}\n\n`), error);
  for (const answer of ['PONG', 'dir\n/var/lib/redis', 'Background saving started', '# Server\r\nrun_id:1', ''])
    assert.equal(errorIn(answer), undefined);
});

test('INFO and CONFIG GET are read as pairs', () => {
  const info = parseInfo('# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/x:y\r\n\r\n# Rest\r\n');
  assert.deepEqual(
    [...info],
    [
      ['redis_version', '7.0.15'],
      ['executable', '/usr/bin/x:y'],
    ],
  );
  assert.deepEqual([...parseSettings('dir\n/var/lib/redis')], [['dir', '/var/lib/redis']]);
  assert.deepEqual([...parseSettings('requirepass\n')], [['requirepass', '']]);
});

test('a file counts as the data only when this run of the server has saved it, and nothing was written since', () => {
  const saved = {
    rdb_saves: '1',
    rdb_changes_since_last_save: '0',
    rdb_bgsave_in_progress: '0',
    rdb_last_bgsave_status: 'ok',
  };
  const isSavedWith = (change: object) => isSaved(new Map(Object.entries({ ...saved, ...change })));
  assert.equal(isSavedWith({}), true);
  for (const change of [
    { rdb_saves: '0' },
    { rdb_changes_since_last_save: '1' },
    { rdb_bgsave_in_progress: '1' },
    { rdb_last_bgsave_status: 'err' },
  ])
    assert.equal(isSavedWith(change), false, JSON.stringify(change));
  assert.equal(isSaved(new Map()), false);
});
