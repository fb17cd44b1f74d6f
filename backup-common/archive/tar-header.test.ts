import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { encodePax, parsePax } from './pax.ts';
import { formatSeconds, parseSeconds, type StoredType, type TarEntry } from './tar-entry.ts';
import { encodeTarEntry, parseTarHeader, withSize } from './tar-header.ts';
import { TarReader } from './tar-reader.ts';

const text = (maxLength: number) =>
  fc
    .uint8Array({ minLength: 1, maxLength })
    .map((bytes) => Buffer.from(bytes).toString('latin1').replace(/[\0/]/g, '_'));
const types: readonly StoredType[] = ['file', 'folder', 'symlink', 'fifo'];
const entry: fc.Arbitrary<TarEntry> = fc
  .record({
    path: fc.array(text(120), { minLength: 1, maxLength: 3 }),
    type: fc.constantFrom(...types),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 }),
    mtimeNs: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 19n }),
    link: text(200),
  })
  .map(({ path, type, link, ...numbers }) => ({
    ...numbers,
    path: `p/${path.join('/')}`,
    type,
    size: 0,
    storedSize: 0,
    link: type === 'symlink' ? link : undefined,
    attributes: [],
  }));

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

it('whatever an entry holds is read back as it was written, in pieces of any size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), fc.integer({ min: 1, max: 2000 }), async (entries, size) => {
      const stream = Buffer.concat([...entries.map(encodeTarEntry), Buffer.alloc(1024)]);
      const reader = new TarReader(chunks(stream, size));
      for (const expected of entries) assert.deepEqual(await reader.next(), expected);
      assert.equal(await reader.next(), undefined);
    }),
  );
});

it('PAX records come back, their length counting itself', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.stringMatching(/^[A-Za-z.]+$/), text(200)), { maxLength: 5 }), (records) =>
      assert.deepEqual(parsePax(encodePax(records)), records),
    ),
  );
});

for (const [what, data] of [
  ['a length that is too long', '99 path=x\n'],
  ['no equals sign', '7 path\n'],
  ['no newline', '9 path=xy'],
  ['a length of zero', '0 path=x\n'],
] as const) {
  it(`a PAX header with ${what} is refused`, () => {
    assert.throws(() => parsePax(Buffer.from(data)), /malformed/);
  });
}

it('times keep their nanoseconds, also before 1970', () => {
  for (const ns of [0n, 1n, -1n, -500_000_000n, 1_700_000_000_123_456_789n, -(10n ** 18n)])
    assert.equal(parseSeconds(formatSeconds(ns)), ns);
  assert.equal(formatSeconds(1_500_000_000n), '1.5');
  assert.equal(parseSeconds('1e9'), undefined);
});

it('a size can be put into a finished header, beyond 8 GiB too', () => {
  const header = encodeTarEntry({
    path: 'f',
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    size: 0,
    storedSize: 0,
    link: undefined,
    attributes: [],
  });
  for (const size of [0, 1, 8 * 1024 ** 3 - 1, 8 * 1024 ** 3, 5 * 1024 ** 4])
    assert.equal(parseTarHeader(withSize(header, size))?.size, size);
});
