import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseDatabases } from './choose-databases.ts';

const server = { known: ['shop', 'stock', 'template'], all: ['shop', 'stock'] };
const namesOf = (choice: Parameters<typeof chooseDatabases>[0]) =>
  chooseDatabases(choice, server, { taskKey: 'sql', listCommand: 'list' });

test('all databases are those that the word means, and a named one may be another, but once', () => {
  assert.deepEqual(namesOf({ databases: 'all' }), ['shop', 'stock']);
  assert.deepEqual(namesOf({ databases: ['template', 'shop', 'shop'] }), ['template', 'shop']);
  assert.deepEqual(namesOf({ database: 'shop' }), ['shop']);
});

test('all that are not there are told', () => {
  assert.throws(() => namesOf({ databases: ['shop', 'gone', 'all'] }), {
    name: 'BackupError',
    message: 'sql: the server has no database gone, all',
    hint: 'See "list" as the same user; take out of service.yaml what is gone for good.',
  });
});
