import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { randomNumbers } from '../testing/random-numbers.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import { entriesByPath, itemsByPath, openArchiveIndex } from './archive-index.ts';
import { tailLength } from './archive-tail.ts';
import { workInPlace } from './archive-work.ts';
import { ArchiveWriter } from './archive-writer.ts';
import { openFileSource } from './file-range-source.ts';
import { sha256Of } from './gzip-member.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';
import { verifyArchive } from './verify-archive.ts';

const facts = { host: 'web', program: 'test', createdAt: '2026-01-01T00:00:00.000Z', services: [] };

function entryOf(path: string, content?: Buffer): TarEntry {
  const type = content === undefined ? 'folder' : 'file';
  const size = content?.length ?? 0;
  return {
    path,
    type,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: 1n,
    size,
    storedSize: size,
    link: undefined,
    attributes: [],
  };
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

async function write(test: TestContext, fill: (writer: ArchiveWriter) => Promise<void>): Promise<string> {
  const folder = await tempFolder(test);
  const path = join(folder, 'web.tar.gz');
  const [file, spool] = await Promise.all([open(path, 'w+'), open(join(folder, 'spool'), 'w+')]);
  try {
    const writer = new ArchiveWriter(file, spool);
    await fill(writer);
    await writer.finish(facts, 0n);
  } finally {
    await file.close();
    await spool.close();
  }
  return path;
}

async function verify(path: string) {
  const source = await openFileSource(path);
  try {
    const index = await openArchiveIndex(source);
    assert.ok(index !== undefined, 'is an archive of ours');
    return await verifyArchive(index, workInPlace());
  } finally {
    await source.close();
  }
}

async function pathsIn(path: string): Promise<string[]> {
  const source = await openFileSource(path);
  try {
    const index = await openArchiveIndex(source);
    const paths: string[] = [];
    if (index !== undefined) for await (const entry of entriesByPath(index)) paths.push(entry.path);
    return paths;
  } finally {
    await source.close();
  }
}

/** Folders, 300 small files and a large one: several groups, blocks and chunks. */
async function fillWell(writer: ArchiveWriter, seed = 'x'): Promise<void> {
  await writer.add(entryOf('s'), [], {});
  for (let index = 100; index < 400; index += 1) {
    const content = Buffer.from(`${seed}${index}`.repeat(index));
    await writer.add(entryOf(`s/${index}`, content), [content], { sha256: sha256Of(content) });
  }
  const large = Buffer.alloc(2_500_000, 'not all the same ');
  await writer.addLarge(entryOf('s/large', large), once(large), async () => ({ sha256: sha256Of(large) }));
  await writer.endSegment();
}

it('an archive is one gzip file and one tar file, and holds what was added', async (test) => {
  const path = await write(test, fillWell);
  assert.deepEqual(await verify(path), { entries: 302, bytes: await totalSize(path) });
  const reader = new TarReader(once(gunzipSync(await readFile(path))));
  let last: TarEntry | undefined;
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) last = entry;
  assert.equal(last?.path, 'backup-index.ndjson');
});

async function totalSize(path: string): Promise<number> {
  const source = await openFileSource(path);
  const index = await openArchiveIndex(source);
  let sum = 0;
  if (index !== undefined) for await (const entry of entriesByPath(index)) sum += entry.size;
  await source.close();
  return sum;
}

it('the same entries give the same bytes', async (test) => {
  const [first, second] = [await write(test, fillWell), await write(test, fillWell)];
  assert.ok((await readFile(first)).equals(await readFile(second)));
});

it('a file of 32 KiB or more has its header in one member and its content in others', async (test) => {
  const headerBytes = 3 * 512; // with a pax header for the nanosecond
  const random = randomNumbers(1);
  const contents = [32_767, 32_768, 200_000, 262_143].map((size) =>
    Buffer.from(Array.from({ length: size }, () => random() * 256)),
  );
  const path = await write(test, async (writer) => {
    await writer.add(entryOf('s'), [], {});
    for (const [place, content] of contents.entries())
      await writer.add(entryOf(`s/${place}`, content), [content.subarray(0, 9999), content.subarray(9999)], {});
  });
  const source = await openFileSource(path);
  const index = await openArchiveIndex(source);
  const found: (readonly [number, string | undefined])[] = [];
  if (index !== undefined)
    for await (const { member, entries, chunks } of itemsByPath(index)) {
      const size = entries.at(-1)?.size ?? 0;
      if (size < 32_767) continue;
      found.push([size, entries.at(-1)?.sha256]);
      assert.equal(chunks.length > 0, size >= 32_768);
      assert.equal(member?.length, size >= 32_768 ? headerBytes : headerBytes + size + 1);
      if (chunks.length === 0) continue;
      assert.equal(sum(chunks.map(({ length }) => length)), Math.ceil(size / 512) * 512);
      assert.ok(chunks.slice(0, -1).every(({ length }) => length >= 8192 && length <= 65_536));
      assert.ok(chunks.length >= size / 65_536 && chunks.length <= size / 8192 + 1);
    }
  await source.close();
  assert.deepEqual(
    found,
    contents.map((content) => [content.length, sha256Of(content)]),
  );
  assert.deepEqual(await verify(path), { entries: 5, bytes: sum(contents.map(({ length }) => length)) });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

it('a file of 6 KiB or more has a member of its own, smaller ones share theirs', async (test) => {
  const path = await write(test, async (writer) => {
    await writer.add(entryOf('s'), [], {});
    for (const [name, size] of Object.entries({ a: 100, b: 100, c: 5600, d: 6144, e: 100, f: 20_000, g: 100 })) {
      const content = Buffer.alloc(size, name);
      await writer.add(entryOf(`s/${name}`, content), [content], {});
    }
  });
  const source = await openFileSource(path);
  const index = await openArchiveIndex(source);
  const alone: string[] = [];
  if (index !== undefined)
    for await (const { entries } of itemsByPath(index))
      if (entries.some(({ size }) => size >= 5600)) alone.push(entries.map((entry) => entry.path).join());
  await source.close();
  assert.deepEqual(alone, ['s/c', 's/d', 's/f']);
});

it('what is cut off again leaves no trace', async (test) => {
  const clean = await write(test, fillWell);
  const cut = await write(test, async (writer) => {
    const mark = await writer.mark();
    await writer.add(entryOf('gone', Buffer.from('x')), [Buffer.from('x')], { sha256: sha256Of(Buffer.from('x')) });
    await fillWell(writer, 'other');
    await writer.cutBackTo(mark);
    await fillWell(writer);
  });
  assert.ok((await readFile(clean)).equals(await readFile(cut)));
});

it('a large file that is taken back leaves no trace, and the group before it stays', async (test) => {
  const small = Buffer.from('small');
  const path = await write(test, async (writer) => {
    await writer.add(entryOf('a', small), [small], { sha256: sha256Of(small) });
    const first = randomBytes(2_000_000);
    assert.equal(await writer.addLarge(entryOf('b', first), once(first), async () => undefined), false);
    const second = randomBytes(1_000_000);
    assert.equal(
      await writer.addLarge(entryOf('b', second), once(second), async () => ({ sha256: sha256Of(second) })),
      true,
    );
  });
  assert.deepEqual(await verify(path), { entries: 2, bytes: 1_000_005 });
});

it('segments may be written in any order; the index is sorted', async (test) => {
  const path = await write(test, async (writer) => {
    for (const name of ['z', 'm', 'a']) {
      await writer.add(entryOf(name), [], {});
      await writer.endSegment();
    }
  });
  assert.deepEqual(await pathsIn(path), ['a', 'm', 'z']);
});

it('a stream of unknown size gets its size in the end', async (test) => {
  const content = randomBytes(1_500_000);
  const path = await write(test, async (writer) => {
    const added = await writer.addStream(entryOf('dump', Buffer.alloc(0)), once(content));
    assert.equal(added.size, content.length);
  });
  assert.deepEqual(await verify(path), { entries: 1, bytes: content.length });
});

it('a flipped bit anywhere before the tail is found, unless it changes nothing that is unpacked', async (test) => {
  const path = await write(test, fillWell);
  const intact = await readFile(path);
  const content = gunzipSync(intact);
  for (let place = 20; place < intact.length - tailLength; place += Math.floor(intact.length / 40)) {
    const bytes = Buffer.from(intact);
    bytes[place] = (bytes[place] ?? 0) ^ 0x40;
    await writeFile(path, bytes);
    const isFound = await verify(path).then(
      () => false,
      () => true,
    );
    if (!isFound) assert.ok(gunzipSync(bytes).equals(content), `byte ${place}`); // time or system in a gzip header
  }
});

it('an archive whose end is missing is none of ours any more', async (test) => {
  const path = await write(test, fillWell);
  await writeFile(path, (await readFile(path)).subarray(0, -1));
  await assert.rejects(verify(path), /is an archive of ours/);
});
