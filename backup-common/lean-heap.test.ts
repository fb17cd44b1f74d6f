import assert from 'node:assert/strict';
import { it } from 'node:test';
import { execaRunner } from './process/execa-runner.ts';

/** Has 100 MB in use, half of it for a while only, again and again: how far the heap grows, in MB. */
const program = (isLean: boolean) => `
  import { getHeapStatistics } from 'node:v8';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { keepHeapLean } from ${JSON.stringify(new URL('lean-heap.ts', import.meta.url).href)};
  if (${isLean}) keepHeapLean();
  const numbers = (count) => Array.from({ length: count }, (_, index) => [index, index + 1, index + 2, index + 3]);
  const kept = numbers(600_000);
  const passing = [];
  let most = 0;
  for (let round = 0; round < 60; round += 1) {
    passing[round % 10] = numbers(60_000);
    most = Math.max(most, getHeapStatistics().total_heap_size);
    await sleep(5);
  }
  console.log(kept.length === 600_000 ? Math.round(most / 1e6) : 'lost');
`;

async function heapOf(isLean: boolean): Promise<number> {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program(isLean)];
  const { stdout, stderr } = await execaRunner().run({ file: process.execPath, args });
  assert.match(stdout, /^\d+\n$/, stderr);
  return Number(stdout);
}

it('a large heap is swept before it has grown far', async () => {
  const [lean, usual] = [await heapOf(true), await heapOf(false)];
  assert.ok(lean < 0.85 * usual, `${lean} MB, ${usual} MB without`);
});
