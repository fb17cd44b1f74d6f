import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeOwnerFile } from './owner-file.ts';
import { ownIdentity } from './process-identity.ts';
import { tempFolder } from './testing/temp-folder.ts';

const facts = { program: 'local-backup', since: '2026-03-01T02:00:00.000Z' };

test('the file has the rights it was asked for, whatever the umask', async (t) => {
  const path = join(await tempFolder(t), 'owner');
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  await takeOwnerFile(path, facts, 0o644);
  assert.equal((await stat(path)).mode & 0o777, 0o644);
});

test('the holder is told as its file says, and whether a file was left behind', async (t) => {
  const path = join(await tempFolder(t), 'owner');
  assert.equal((await takeOwnerFile(path, facts)).type, 'taken');
  const second = await takeOwnerFile(path, { program: 'another', since: 'later' });
  assert.deepEqual(second, { type: 'held', holder: { pid: process.pid, ...facts } });

  await writeFile(path, JSON.stringify({ ...ownIdentity(), startTicks: '1', ...facts }));
  const third = await takeOwnerFile(path, facts);
  assert.ok(third.type === 'taken' && third.wasLeftBehind);
});

const plants: ReadonlyArray<readonly [string, (path: string, folder: string) => Promise<unknown>]> = [
  ['a link', (path, folder) => symlink(join(folder, 'elsewhere'), path)],
  ['a FIFO', async (path) => execFileSync('mkfifo', [path])],
  ['a folder', (path) => mkdir(path)],
];
for (const [what, plant] of plants) {
  test(`${what} in its place is refused and left alone`, { timeout: 5000 }, async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'owner');
    await plant(path, folder);
    await assert.rejects(takeOwnerFile(path, facts), { name: 'BackupError', message: `${path} is not a plain file` });
    assert.deepEqual(await readdir(folder), ['owner']);
  });
}

test('a link that was planted under the name of the first draft is not written through', async (t) => {
  const folder = await tempFolder(t);
  const victim = join(folder, 'victim');
  await writeFile(victim, 'untouched');
  await symlink(victim, join(folder, `owner.${process.pid}`));
  assert.equal((await takeOwnerFile(join(folder, 'owner'), facts)).type, 'taken');
  assert.equal(await readFile(victim, 'utf8'), 'untouched');
});
