import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { IndexItem } from './index-block.ts';
import { batchesOf } from './unpack-batches.ts';

const kibibyte = 1024;

function part(compressedKib: number, kib = compressedKib) {
  return { compressedLength: compressedKib * kibibyte, length: kib * kibibyte, sha256: '' };
}

function itemOf(member: IndexItem['member'], ...chunks: IndexItem['chunks']): IndexItem {
  return { member, entries: [], chunks };
}

/** The batches in few words: the compressed KiB of each item or chunk, `…` where chunks follow, `.` where they end. */
async function planned(...items: readonly IndexItem[]): Promise<string[]> {
  const batches: string[] = [];
  const size = ({ compressedLength }: { readonly compressedLength: number }) => compressedLength / kibibyte;
  const all = async function* () {
    yield* items;
  };
  for await (const batch of batchesOf(all())) {
    if (batch.type === 'chunks') batches.push(`${batch.chunks.map(size).join('+')}${batch.isLast ? '.' : ''}`);
    else {
      const members = batch.items.map(({ member, chunks }) =>
        [...(member ? [member] : []), ...chunks].map(size).join('+'),
      );
      batches.push(`${members.join(' ')}${batch.isOpen ? '…' : ''}`);
    }
  }
  return batches;
}

const plans: readonly (readonly [title: string, items: readonly IndexItem[], batches: readonly string[]])[] = [
  ['nothing is no batch', [], []],
  ['small items share a batch', [itemOf(part(20)), itemOf(part(1), part(16), part(16))], ['20 1+16+16']],
  ['a batch ends before it is too large', [itemOf(part(700)), itemOf(part(300)), itemOf(part(30))], ['700 300', '30']],
  [
    'what unpacks to much is not put together',
    [itemOf(part(10, 3000)), itemOf(part(10, 3000)), itemOf(part(10, 100))],
    ['10', '10 10'],
  ],
  [
    'an item of one large member is a batch',
    [itemOf(part(5)), itemOf(part(3000)), itemOf(part(5))],
    ['5', '3000', '5'],
  ],
  [
    'the chunks of a large file are batches of their own',
    [itemOf(part(5)), itemOf(part(1), part(500), part(500), part(500), part(100)), itemOf(part(7))],
    ['5', '1…', '500+500', '500+100.', '7'],
  ],
  [
    'a chunk that is larger than a batch is one alone',
    [itemOf(part(1), part(100), part(2000), part(100))],
    ['1…', '100', '2000', '100.'],
  ],
  ['what is only recorded goes along', [itemOf(undefined), itemOf(part(1))], [' 1']],
];
for (const [title, items, batches] of plans) {
  it(title, async () => {
    assert.deepEqual(await planned(...items), batches);
  });
}
