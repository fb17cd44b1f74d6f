import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { freeSpace } from './free-space.ts';
import { tempFolder } from './testing/temp-folder.ts';

test('bytes and inodes are about those that df tells', async (t) => {
  const folder = await tempFolder(t);
  const { bytes, inodes } = await freeSpace(folder);
  const told = execFileSync('df', ['--output=avail,iavail', '--block-size=1', folder], { encoding: 'utf8' });
  const [, numbers = ''] = told.trim().split('\n');
  const [dfBytes = 0, dfInodes = 0] = numbers.trim().split(/\s+/).map(Number);
  assert.ok(Math.abs(bytes - dfBytes) < 0.1 * dfBytes, `${bytes} of ${dfBytes} bytes`);
  assert.ok(Math.abs(inodes - dfInodes) <= 0.1 * dfInodes, `${inodes} of ${dfInodes} inodes`);
});

test('a file system that does not count inodes has 0 of them', async () => {
  assert.equal((await freeSpace('/proc')).inodes, 0);
});

test('a path that is not there is an error', async (t) => {
  await assert.rejects(freeSpace(`${await tempFolder(t)}/missing`), { code: 'ENOENT' });
});
