import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onThisMachine } from '../database/place.ts';
import { binaryLogOption, type Client, dump, parseDumpVersion, query, rowsOf } from './commands.ts';

const client: Client = {
  place: onThisMachine,
  args: ['--defaults-extra-file=/root/.my.cnf', '--user=root'],
  env: { MYSQL_PWD: 'secret' },
  dump: { file: 'mysqldump', args: [], version: { isMariadb: true, number: 101100 } },
  client: { file: 'nice', args: ['mariadb'] },
};

test('the option file comes first, own options after ours, and the database last', () => {
  const { args, env } = dump('-x', client, ['--skip-events'], 1000);
  assert.deepEqual(args.slice(0, 2), ['--defaults-extra-file=/root/.my.cnf', '--user=root']);
  assert.deepEqual(args.slice(-4), ['--skip-events', '--databases', '--', '-x']);
  assert.ok(args.indexOf('--events') < args.indexOf('--skip-events'));
  assert.deepEqual(env, { MYSQL_PWD: 'secret' });
});

test('several dumps of MySQL can be restored to one server: their transactions are told in a comment, or not at all', () => {
  const option = (isMariadb: boolean, number: number) => {
    const { args } = dump('shop', { ...client, dump: { ...client.dump, version: { isMariadb, number } } }, [], 1000);
    return args.find((word) => word.startsWith('--set-gtid-purged'));
  };
  assert.equal(option(false, 90704), '--set-gtid-purged=COMMENTED');
  assert.equal(option(false, 80016), '--set-gtid-purged=OFF');
  assert.equal(option(false, 50600), undefined);
  assert.equal(option(true, 101106), undefined);
});

test('a question goes through the client, with the words in front of it', () => {
  const { file, args } = query('select 1', client);
  assert.equal([file, ...args.slice(0, 3)].join(' '), 'nice mariadb --defaults-extra-file=/root/.my.cnf --user=root');
  assert.equal(args.at(-1), '--execute=select 1');
});

test('rows are lines with tabs between, in which such signs are escaped', () => {
  assert.deepEqual(rowsOf('10.11\t1\na\\tb\\nc\\\\n\n'), [['10.11', '1'], ['a\tb\nc\\n']]);
});

test('each dump program tells its version in its own way, and names the option for the binary log by it', () => {
  const told = (output: string) => {
    const version = parseDumpVersion(output);
    return version === undefined ? undefined : [version, binaryLogOption(version)];
  };
  const mariadb = (number: number) => [{ isMariadb: true, number }, '--master-data=2'];
  assert.deepEqual(
    told('mysqldump  Ver 10.19 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)'),
    mariadb(101106),
  );
  assert.deepEqual(told('/usr/bin/mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux'), mariadb(110402));
  assert.deepEqual(told('mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)'), [
    { isMariadb: false, number: 80036 },
    '--source-data=2',
  ]);
  assert.deepEqual(told('mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)'), [
    { isMariadb: false, number: 50744 },
    '--master-data=2',
  ]);
  assert.equal(told('pg_dump (PostgreSQL) 15.18'), undefined);
});
