import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemIn } from './check-rdb.ts';
import { rdbProblem, requireRdbStream } from './rdb-file.ts';

const whole = Buffer.from('REDIS0010data\xffchecksum', 'latin1');

describe('an RDB file', () => {
  test('is whole when it begins with the signature and ends with the last byte and a checksum', () => {
    const problemOf = (content: Buffer) => rdbProblem(content.subarray(0, 9), content.subarray(-9));
    assert.equal(problemOf(whole), undefined);
    assert.equal(problemOf(Buffer.from('VALKEY080data\xffchecksum', 'latin1')), undefined);
    assert.equal(problemOf(Buffer.alloc(0)), 'is empty');
    assert.equal(problemOf(Buffer.from('Error: no')), 'does not begin as an RDB file does');
    for (const size of [9, 14, whole.length - 1]) assert.equal(problemOf(whole.subarray(0, size)), 'is cut off');
  });

  for (const size of [1, 4, 9, 100]) {
    test(`is checked as it streams by, in parts of ${size} bytes`, async () => {
      assert.deepEqual(await read(whole, size), whole);
      await assert.rejects(read(whole.subarray(0, -1), size), { message: 'it is cut off' });
      await assert.rejects(read(Buffer.alloc(0), size), { message: 'it is empty' });
    });
  }

  test('has what is wrong with it told in a line', () => {
    const output =
      '[offset 0] Checking\n--- RDB ERROR DETECTED ---\n[offset 9] Invalid object type: 127\n[info] 0 keys\n';
    assert.equal(problemIn(output), '[offset 9] Invalid object type: 127');
    assert.equal(problemIn('[offset 0] fine'), '');
  });
});

async function read(content: Buffer, size: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of requireRdbStream(inParts(content, size), 'it')) parts.push(part);
  return Buffer.concat(parts);
}

async function* inParts(content: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}
