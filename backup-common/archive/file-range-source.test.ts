import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openFileSource } from './file-range-source.ts';

async function fileOf(t: TestContext, content: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'file-range-source-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'a file');
  await writeFile(path, content);
  return path;
}

async function opened(t: TestContext, path: string) {
  const source = await openFileSource(path);
  t.after(() => source.close());
  return source;
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test('ranges and streams give the bytes of the file', async (t) => {
  const content = randomBytes(3 * 1024 * 1024 + 17);
  const source = await opened(t, await fileOf(t, content));
  assert.equal(source.size, content.length);
  assert.deepEqual(await source.read(5, 100), content.subarray(5, 105));
  assert.deepEqual(await source.read(content.length, 0), Buffer.alloc(0));
  assert.deepEqual(await collect(source.stream()), content);
  assert.deepEqual(await collect(source.stream(10, 1024 * 1024 + 11)), content.subarray(10, 1024 * 1024 + 11));
});

test('a range beyond the end is an error and no short answer', async (t) => {
  const source = await opened(t, await fileOf(t, Buffer.from('short')));
  await assert.rejects(source.read(3, 10), /ends at byte 5, but it was to be read up to byte 13/);
});

test('a change of size or time after opening is noticed at the end of the stream', async (t) => {
  const path = await fileOf(t, randomBytes(100));
  const grown = await opened(t, path);
  await appendFile(path, 'more');
  await assert.rejects(collect(grown.stream()), /has changed while it was read/);

  const touched = await opened(t, path);
  await utimes(path, 1, 1);
  await assert.rejects(touched.verifyUnchanged(), /has changed while it was read/);

  const cut = await opened(t, path);
  await truncate(path, 50);
  await assert.rejects(collect(cut.stream()), /ends at byte 50/);
});

test('links, folders and pipes are refused at once', async (t) => {
  const path = await fileOf(t, Buffer.from('content'));
  await symlink(path, `${path}.link`);
  execFileSync('mkfifo', [`${path}.pipe`]);
  for (const other of [`${path}.link`, `${path}.pipe`, join(path, '..')]) {
    await assert.rejects(openFileSource(other), /is not a regular file/, other);
  }
  await assert.rejects(openFileSource(`${path}.missing`), /cannot open/);
});
