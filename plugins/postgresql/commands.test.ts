import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asAccount, inContainer, onThisMachine } from '../database/place.ts';
import { type Client, dump, dumpGlobals, readDump, rowsOf } from './commands.ts';

const client: Client = {
  connection: { host: undefined, port: undefined, user: undefined, account: undefined },
  place: onThisMachine,
  env: {},
  pgDump: 'pg_dump',
};

test('a dump is not compressed, and its own options come after ours', () => {
  assert.deepEqual(dump('shop', 'custom', ['--compress=6'], client, 1000), {
    file: 'pg_dump',
    args: ['--no-password', '--format=custom', '--compress=0', '--compress=6', "--dbname=dbname='shop'"],
    env: { PGCONNECT_TIMEOUT: '30' },
    timeoutMs: 1000,
  });
});

test('no name of a database is taken for a connection string', () => {
  const { args } = dump("it's host=evil \\", 'plain', [], client, 1000);
  assert.equal(args.at(-1), "--dbname=dbname='it\\'s host=evil \\\\'");
});

test('host, port and role are options, and the secret is only in the environment', () => {
  const connection = { host: 'localhost', port: 5433, user: 'reader', account: undefined };
  const { args, env } = dumpGlobals({ ...client, connection, env: { PGPASSWORD: 'secret' } }, 1000);
  assert.deepEqual(args, ['--host=localhost', '--port=5433', '--username=reader', '--no-password', '--globals-only']);
  assert.deepEqual(env, { PGCONNECT_TIMEOUT: '30', PGPASSWORD: 'secret' });
});

test('a folder is read back here, also when another account dumped it', () => {
  const { file, args } = readDump({ ...client, place: asAccount('postgres') }, 1000, '/work/shop');
  assert.deepEqual([file, ...args], ['pg_restore', '--file=/dev/null', '--format=directory', '/work/shop']);
});

test('in a container variables are handed on by name, and what takes too long is ended inside', () => {
  const place = inContainer(['docker'], 'db', 'postgres');
  const { file, args, env } = dumpGlobals({ ...client, place, env: { PGPASSWORD: 'secret' } }, 1500);
  assert.equal(
    [file, ...args].join(' '),
    'docker exec --interactive --env PGCONNECT_TIMEOUT --env PGPASSWORD --user postgres db timeout 2 pg_dumpall --no-password --globals-only',
  );
  assert.equal(env?.PGPASSWORD, 'secret');
});

test('rows end with NUL', () => {
  assert.deepEqual(rowsOf('one\0two\nlines\0'), ['one', 'two\nlines']);
  assert.deepEqual(rowsOf(''), []);
});
