import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { IndexItem, PlacedItem } from './index-block.ts';
import { placedBatches } from './unpack-batches.ts';

const kibibyte = 1024;

function part(compressedKib: number, kib = compressedKib) {
  return { compressedLength: compressedKib * kibibyte, length: kib * kibibyte, sha256: '' };
}

function itemOf(member: IndexItem['member'], ...chunks: IndexItem['chunks']): IndexItem {
  return { member, entries: [], chunks };
}

/** One after the other, the members of `apart` after a gap. */
function placed(items: readonly IndexItem[]): PlacedItem[] {
  let end = 0;
  const place = <M extends { readonly compressedLength: number }>(member: M) => {
    const offset = end;
    end += member.compressedLength;
    return { ...member, offset };
  };
  return items.map((item) => {
    if (item === apart) end += 1;
    return { ...item, member: item.member && place(item.member), chunks: item.chunks.map(place) };
  });
}

const apart = itemOf(part(3));

/** The batches in few words: the compressed KiB of each item or chunk, `…` where chunks follow, `.` where they end. */
async function planned(...items: readonly IndexItem[]): Promise<string[]> {
  const batches: string[] = [];
  let total = 0;
  const size = ({ compressedLength }: { readonly compressedLength: number }) => compressedLength / kibibyte;
  const all = async function* () {
    yield* placed(items);
  };
  for await (const { batch, offset, length } of placedBatches(all())) {
    const [first] = batch.type === 'chunks' ? batch.chunks : batch.items.flatMap((item) => item.member ?? item.chunks);
    assert.equal(offset, first?.offset ?? 0);
    total += length;
    if (batch.type === 'chunks') batches.push(`${batch.chunks.map(size).join('+')}${batch.isLast ? '.' : ''}`);
    else {
      const members = batch.items.map(({ member, chunks }) =>
        [...(member ? [member] : []), ...chunks].map(size).join('+'),
      );
      batches.push(`${members.join(' ')}${batch.isOpen ? '…' : ''}`);
    }
  }
  const members = items.flatMap(({ member, chunks }) => [...(member ? [member] : []), ...chunks]);
  assert.equal(
    total,
    members.reduce((sum, { compressedLength }) => sum + compressedLength, 0),
  );
  return batches;
}

const plans: readonly (readonly [title: string, items: readonly IndexItem[], batches: readonly string[]])[] = [
  ['nothing is no batch', [], []],
  ['small items share a batch', [itemOf(part(20)), itemOf(part(1), part(16), part(16))], ['20 1+16+16']],
  ['a batch ends before it is too large', [itemOf(part(700)), itemOf(part(300)), itemOf(part(30))], ['700 300', '30']],
  [
    'what unpacks to much is not put together',
    [itemOf(part(10, 1500)), itemOf(part(10, 1500)), itemOf(part(10, 100))],
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
  ['what does not lie together is not put together', [itemOf(part(1)), apart, itemOf(part(1))], ['1', '3 1']],
  ['what is only recorded goes along', [itemOf(undefined), itemOf(part(1))], [' 1']],
];
for (const [title, items, batches] of plans) {
  it(title, async () => {
    assert.deepEqual(await planned(...items), batches);
  });
}
