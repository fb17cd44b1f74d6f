import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomNumbers } from '../testing/random-numbers.ts';
import { chunksOf } from './content-chunks.ts';
import { sha256Of } from './gzip-member.ts';

const kib = 1024;

async function* inPieces(content: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += length) yield content.subarray(at, at + length);
}

async function cut(content: Buffer, pieceLength = 64 * kib, padding: readonly Buffer[] = []): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const { parts, length } of chunksOf(inPieces(content, pieceLength), padding)) {
    const chunk = Buffer.concat(parts);
    chunks.push(chunk);
    assert.equal(chunk.length, length);
  }
  return chunks;
}

function noise(length: number, seed = 1): Buffer {
  const random = randomNumbers(seed);
  return Buffer.from(Array.from({ length }, () => random() * 256));
}

const content = noise(5_000_000);

it('chunks are the content, and of bounded length', async () => {
  const chunks = await cut(content);
  assert.ok(Buffer.concat(chunks).equals(content));
  const lengths = chunks.slice(0, -1).map(({ length }) => length);
  assert.ok(
    lengths.every((length) => length >= 128 * kib && length <= 1024 * kib),
    lengths.join(),
  );
  assert.ok(chunks.length > 10 && chunks.length < 30, `${chunks.length}`);
});

it('cuts do not depend on how the content comes', async () => {
  const expected = (await cut(content)).map(sha256Of);
  for (const length of [1000, 10_240, 65_537, 3_000_000])
    assert.deepEqual((await cut(content, length)).map(sha256Of), expected);
});

it('bytes put in or taken out change the chunks around them alone', async () => {
  const known = new Set((await cut(content)).map(sha256Of));
  const middle = 2_000_000;
  const changes = {
    longer: Buffer.concat([content.subarray(0, middle), noise(777, 2), content.subarray(middle)]),
    shorter: Buffer.concat([content.subarray(0, middle), content.subarray(middle + 5_000)]),
    appended: Buffer.concat([content, noise(1000, 3)]),
    'longer at its beginning': Buffer.concat([noise(1, 4), content]),
  };
  for (const [what, changed] of Object.entries(changes)) {
    const fresh = (await cut(changed)).filter((chunk) => !known.has(sha256Of(chunk)));
    assert.ok(fresh.length <= 3, `${what}: ${fresh.length}`);
  }
});

it('what is the same all over is cut at the greatest length', async () => {
  assert.deepEqual(
    (await cut(Buffer.alloc(2_500 * kib))).map(({ length }) => length / kib),
    [1024, 1024, 452],
  );
});

it('padding comes last, in a chunk of its own where the content ends with a cut', async () => {
  const padding = [Buffer.from('pad')];
  const whole = await cut(Buffer.alloc(1024 * kib), 1000, padding);
  assert.deepEqual(
    whole.map(({ length }) => length),
    [1024 * kib, 3],
  );
  assert.deepEqual(await cut(Buffer.from('short'), 2, padding), [Buffer.from('shortpad')]);
  assert.deepEqual(await cut(Buffer.alloc(0)), []);
});
