import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatByteSize, parseByteSize } from './byte-size.ts';

const sizes: readonly (readonly [text: string, bytes: number | undefined])[] = [
  ['0B', 0],
  ['512B', 512],
  ['1kB', 1000],
  ['10 MB', 10_000_000],
  ['1.5GB', 1_500_000_000],
  ['2TB', 2_000_000_000_000],
  ['1KiB', 1024],
  ['500MiB', 524_288_000],
  ['0.5GiB', 536_870_912],
  ['1TiB', 1_099_511_627_776],
  ['500', undefined],
  ['500M', undefined],
  ['500mib', undefined],
  ['1KB', undefined],
  ['-1MB', undefined],
  ['1,5GB', undefined],
  ['.5GB', undefined],
  ['MB', undefined],
  ['10MB ', undefined],
  ['', undefined],
];
for (const [text, bytes] of sizes) {
  it(`"${text}" is ${bytes === undefined ? 'no size' : `${bytes} bytes`}`, () =>
    assert.equal(parseByteSize(text), bytes));
}

const shown: readonly (readonly [bytes: number, text: string])[] = [
  [0, '0 B'],
  [1, '1 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [524_288_000, '500.0 MiB'],
  [1024 ** 3, '1.0 GiB'],
  [1024 ** 4, '1.0 TiB'],
  [5000 * 1024 ** 4, '5000.0 TiB'],
];
for (const [bytes, text] of shown) {
  it(`${bytes} bytes are shown as "${text}"`, () => assert.equal(formatByteSize(bytes), text));
}
