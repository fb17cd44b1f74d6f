import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { BackupError } from '../errors.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import { archiveThreads } from './archive-threads.ts';
import { type ArchiveWork, workInPlace } from './archive-work.ts';
import { chunkHashOf, sha256Of } from './gzip-member.ts';

const kinds: readonly (readonly [string, () => ArchiveWork])[] = [
  ['threads', () => archiveThreads(2)],
  ['this thread', workInPlace],
];
for (const [name, start] of kinds) {
  const withWork = async (test: TestContext, fn: (work: ArchiveWork) => Promise<void>): Promise<void> => {
    const work = start();
    test.after(() => work.close());
    await fn(work);
  };

  it(`${name}: members are packed one after the other, with the hashes of all that matters`, (test) =>
    withWork(test, async (work) => {
      const text = Buffer.from('header'.repeat(100));
      const noise = randomBytes(20_000);
      const plans = [
        { length: 20_600, contents: [[600, 20_000]], chunks: [] },
        { length: 600, contents: [], chunks: [] },
      ] as const;
      const { bytes, packed } = await work.pack({ data: new Uint8Array(Buffer.concat([text, noise, text])), plans });
      const [first, second] = packed;
      assert.ok(first !== undefined && second !== undefined);
      assert.deepEqual(gunzipSync(bytes.subarray(0, first.part.length)), Buffer.concat([text, noise]));
      assert.deepEqual(gunzipSync(bytes.subarray(first.part.length)), text);
      assert.deepEqual(first.member, { compressedLength: first.part.length, length: 20_600 });
      assert.deepEqual(first.contents, [sha256Of(noise)]);
      assert.equal(second.part.sha256, sha256Of(bytes.subarray(first.part.length)));
      assert.equal(bytes.length, first.part.length + second.part.length);
    }));

  it(`${name}: chunks have members of their own behind that of the headers, or without one`, (test) =>
    withWork(test, async (work) => {
      const [header, text, noise] = [Buffer.alloc(512, 'h'), Buffer.alloc(5000, 'text '), randomBytes(5000)];
      const plans = [
        { length: 5512, contents: [[512, 4800]], chunks: [2000, 3000] },
        { length: 5000, contents: [], chunks: [5000] },
      ] as const;
      const { bytes, packed } = await work.pack({ data: new Uint8Array(Buffer.concat([header, text, noise])), plans });
      const members = packed.flatMap(({ member, chunks }) => [...(member === undefined ? [] : [member]), ...chunks]);
      const expected = [header, text.subarray(0, 2000), text.subarray(2000), noise];
      let start = 0;
      for (const [place, { compressedLength, length }] of members.entries()) {
        assert.deepEqual(gunzipSync(bytes.subarray(start, start + compressedLength)), expected[place]);
        assert.equal(length, expected[place]?.length);
        start += compressedLength;
      }
      assert.equal(start, bytes.length);
      assert.deepEqual(packed[0]?.contents, [sha256Of(text.subarray(0, 4800))]);
      assert.deepEqual(
        packed.flatMap(({ chunks }) => chunks.map(({ sha256 }) => sha256)),
        expected.slice(1).map(chunkHashOf),
      );
    }));

  it(`${name}: what does not compress is stored within its member, and costs next to nothing`, (test) =>
    withWork(test, async (work) => {
      const noise = randomBytes(100_000);
      const data = new Uint8Array(Buffer.concat([Buffer.alloc(50_000, 'text '), noise]));
      const { bytes } = await work.pack({
        data,
        plans: [{ length: 150_000, contents: [[50_000, 100_000]], chunks: [] }],
      });
      assert.ok(bytes.length < 101_000, `${bytes.length} bytes`);
    }));

  it(`${name}: a range is copied only when it is what its hashes say`, (test) =>
    withWork(test, async (work) => {
      const path = join(await tempFolder(test), 'file');
      await writeFile(path, 'one two three');
      const file = await open(path, 'r+');
      test.after(() => file.close());
      const partOf = (text: string) => ({ length: text.length, sha256: sha256Of(Buffer.from(text)) });
      const range = { fd: file.fd, offset: 4, parts: [partOf('two '), partOf('three')] };
      assert.equal(await work.check(range), true);
      assert.equal(await work.copy(range, { fd: file.fd, offset: 13 }), true);
      assert.equal(await readFile(path, 'utf8'), 'one two threetwo three');
      assert.equal(await work.check({ ...range, offset: 3 }), false);
      const wrong = { ...range, parts: [partOf('two '), partOf('threE')] };
      assert.equal(await work.copy(wrong, { fd: file.fd, offset: 13 }), false);
      const tooLong = { ...range, parts: [...range.parts, partOf('x'.repeat(100))] };
      assert.equal(await work.copy(tooLong, { fd: file.fd, offset: 13 }), false);
      assert.equal(await readFile(path, 'utf8'), 'one two threetwo three');
    }));

  it(`${name}: what cannot be read is an error with its reason`, (test) =>
    withWork(test, async (work) => {
      await assert.rejects(
        work.check({ fd: 9999, offset: 0, parts: [{ length: 1, sha256: sha256Of(Buffer.alloc(0)) }] }),
        (error) => {
          assert.ok(error instanceof BackupError);
          assert.match(error.message, /cannot read members of an archive: EBADF/);
          return true;
        },
      );
    }));

  it(`${name}: members are unpacked, and what is refused is so with all that is known of it`, (test) =>
    withWork(test, async (work) => {
      const content = Buffer.from('content '.repeat(5000));
      const data = gzipSync(content);
      const chunk = { compressedLength: data.length, length: content.length, sha256: chunkHashOf(content) };
      const unpack = (chunks: readonly (typeof chunk)[]) =>
        work.unpack({ name: 'a', batch: { type: 'chunks', chunks, isLast: true }, data: new Uint8Array(data) });
      assert.ok(content.equals((await unpack([chunk])).bytes));
      await assert.rejects(unpack([{ ...chunk, length: 10 }]), (error) => {
        assert.ok(error instanceof BackupError);
        assert.equal(error.message, 'a member of a cannot be unpacked to the length the index says');
        assert.equal(error.kind, 'damaged-archive');
        assert.match(error.hint ?? '', /A new run of the client makes a new one/);
        return true;
      });
    }));

  it(`${name}: what is unpacked into memory that was used before is as long as it ought to be`, (test) =>
    withWork(test, async (work) => {
      for (const length of [5000, 300, 0, 7000, 7000]) {
        const content = randomBytes(length);
        const data = gzipSync(content);
        const chunk = { compressedLength: data.length, length, sha256: chunkHashOf(content) };
        const batch = { type: 'chunks', chunks: [chunk], isLast: true } as const;
        const { bytes } = await work.unpack({ name: 'a', batch, data: new Uint8Array(data) });
        assert.ok(content.equals(bytes));
        work.recycle(bytes);
      }
    }));

  it(`${name}: more work than threads is done in the order it was asked for`, (test) =>
    withWork(test, async (work) => {
      const contents = Array.from({ length: 20 }, (_, index) => Buffer.from(`content ${index} `.repeat(2000)));
      const packed = await Promise.all(
        contents.map((content) =>
          work.pack({ data: new Uint8Array(content), plans: [{ length: content.length, contents: [], chunks: [] }] }),
        ),
      );
      for (const [index, { bytes }] of packed.entries()) assert.deepEqual(gunzipSync(bytes), contents[index]);
    }));
}
