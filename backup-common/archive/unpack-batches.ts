import type { Member } from './gzip-member.ts';
import type { IndexItem, Place, PlacedItem } from './index-block.ts';

/** What is unpacked in one go: whole items, or some chunks of a file that is too large for that. */
export type Batch<P = unknown> =
  | {
      readonly type: 'items';
      readonly items: readonly IndexItem<P>[];
      /** The chunks of the last file follow as batches of their own, and are left out here. */
      readonly isOpen: boolean;
    }
  | {
      readonly type: 'chunks';
      readonly chunks: IndexItem<P>['chunks'];
      /** The file ends with these. */
      readonly isLast: boolean;
    };

/** Few enough bytes that several batches may be under way, enough that a thread is worth asking. */
const maxCompressedBytes = 1024 * 1024;
const maxBytes = 2 * 1024 * 1024;

/** A batch, and where its members lie in the archive, one after the other. */
export interface PlacedBatch {
  readonly batch: Batch<Place>;
  readonly offset: number;
  readonly length: number;
}

/** The items in their order. A batch is larger than 1 MiB, or 2 MiB unpacked, only when one member is. */
export async function* placedBatches(items: AsyncIterable<PlacedItem>): AsyncGenerator<PlacedBatch> {
  for await (const batch of batchesOf(items)) {
    const members = batch.type === 'chunks' ? batch.chunks : batch.items.flatMap(membersOf);
    const length = members.reduce((sum, { compressedLength }) => sum + compressedLength, 0);
    yield { batch, offset: members[0]?.offset ?? 0, length };
  }
}

async function* batchesOf(items: AsyncIterable<PlacedItem>): AsyncGenerator<Batch<Place>> {
  let batch: PlacedItem[] = [];
  let share = 0;
  let end = 0;
  for await (const item of items) {
    const members = membersOf(item);
    const own = shareOf(members);
    const isApart = members[0] !== undefined && members[0].offset !== end;
    for (const { offset, compressedLength } of members) end = offset + compressedLength;
    if (batch.length > 0 && (isApart || share + own > 1)) {
      yield { type: 'items', items: batch, isOpen: false };
      batch = [];
      share = 0;
    }
    if (own > 1 && item.chunks.length > 0) {
      yield { type: 'items', items: [{ ...item, chunks: [] }], isOpen: true };
      yield* chunkBatches(item.chunks);
    } else {
      batch.push(item);
      share += own;
    }
  }
  if (batch.length > 0) yield { type: 'items', items: batch, isOpen: false };
}

function* chunkBatches(chunks: PlacedItem['chunks']): Generator<Batch<Place>> {
  for (let start = 0; start < chunks.length; ) {
    let end = start + 1;
    while (end < chunks.length && shareOf(chunks.slice(start, end + 1)) <= 1) end += 1;
    yield { type: 'chunks', chunks: chunks.slice(start, end), isLast: end === chunks.length };
    start = end;
  }
}

/** Members that fill a batch have 1. */
function shareOf(members: readonly Member[]): number {
  const sum = (key: 'compressedLength' | 'length') => members.reduce((total, member) => total + member[key], 0);
  return Math.max(sum('compressedLength') / maxCompressedBytes, sum('length') / maxBytes);
}

function membersOf({ member, chunks }: PlacedItem): readonly (Member & Place)[] {
  return member === undefined ? chunks : [member, ...chunks];
}
