import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHeader } from './database-file.ts';

test('the first bytes tell whether it is a database, and whether it is in WAL mode', () => {
  const header = (text: string, ...versions: number[]) => Buffer.from([...Buffer.from(text), 0x10, 0, ...versions]);
  const magic = 'SQLite format 3\0';
  assert.deepEqual(parseHeader(header(magic, 1, 1)), { isDatabase: true, isWal: false });
  assert.deepEqual(parseHeader(header(magic, 2, 2)), { isDatabase: true, isWal: true });
  for (const other of [Buffer.alloc(0), header(magic), header('SQLite format 2\0', 2, 2)]) {
    assert.deepEqual(parseHeader(other), { isDatabase: false, isWal: false });
  }
});
