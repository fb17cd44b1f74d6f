import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { renameDurably, writeFileAtomically } from './atomic-file.ts';
import { tempFolder } from './testing/temp-folder.ts';

test('the file has the whole content and nothing is left beside it', async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, 'file');
  await writeFileAtomically(path, 'old');
  await writeFileAtomically(path, Buffer.from([0, 255]));
  assert.deepEqual(await readFile(path), Buffer.from([0, 255]));
  assert.deepEqual(await readdir(folder), ['file']);
});

test('the mode is the one asked for, 0600 by default, whatever the umask and the old file', async (t) => {
  const folder = await tempFolder(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const modeOf = async (name: string) => (await stat(join(folder, name))).mode & 0o777;
  await writeFileAtomically(join(folder, 'a'), '', 0o644);
  assert.equal(await modeOf('a'), 0o644);
  await writeFileAtomically(join(folder, 'a'), '');
  assert.equal(await modeOf('a'), 0o600);
});

test('who reads at any time sees the old content or the new one, never a part', async (t) => {
  const path = join(await tempFolder(t), 'file');
  const contents = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
  await writeFileAtomically(path, contents[0] ?? '');
  let isWriting = true;
  const writing = writeFileAtomically(path, contents[1] ?? '').finally(() => {
    isWriting = false;
  });
  while (isWriting) assert.ok(contents.includes(await readFile(path, 'utf8')));
  await writing;
});

test('what an interrupted write left is replaced, and a link in its place is not followed', async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, 'file');
  await writeFile(join(folder, 'victim'), 'untouched');
  await symlink(join(folder, 'victim'), `${path}.partial`);
  await writeFileAtomically(path, 'new');
  assert.equal(await readFile(path, 'utf8'), 'new');
  assert.equal(await readFile(join(folder, 'victim'), 'utf8'), 'untouched');
});

test('a write that fails leaves no partial file', async (t) => {
  const folder = await tempFolder(t);
  await mkdir(join(folder, 'file'));
  await assert.rejects(writeFileAtomically(join(folder, 'file'), 'new'), { code: 'EISDIR' });
  assert.deepEqual(await readdir(folder), ['file']);
});

test('a rename replaces what has the name', async (t) => {
  const folder = await tempFolder(t);
  await writeFile(join(folder, 'from'), 'new');
  await writeFile(join(folder, 'to'), 'old');
  await renameDurably(join(folder, 'from'), join(folder, 'to'));
  assert.equal(await readFile(join(folder, 'to'), 'utf8'), 'new');
  assert.deepEqual(await readdir(folder), ['to']);
});
