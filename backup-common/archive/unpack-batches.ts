import type { Member } from './gzip-member.ts';
import type { IndexItem } from './index-block.ts';

/** What is unpacked in one go: whole items, or some chunks of a file that is too large for that. */
export type Batch =
  | {
      readonly type: 'items';
      readonly items: readonly IndexItem[];
      /** The chunks of the last file follow as batches of their own, and are left out here. */
      readonly isOpen: boolean;
    }
  | {
      readonly type: 'chunks';
      readonly chunks: IndexItem['chunks'];
      /** The file ends with these. */
      readonly isLast: boolean;
    };

/** Few enough bytes that several batches may be under way, enough that a thread is worth asking. */
const maxCompressedBytes = 1024 * 1024;
const maxBytes = 4 * 1024 * 1024;

/** The items in their order. A batch is larger than 1 MiB, or 4 MiB unpacked, only when one member is. */
export async function* batchesOf(items: AsyncIterable<IndexItem>): AsyncGenerator<Batch> {
  let batch: IndexItem[] = [];
  let share = 0;
  for await (const item of items) {
    const own = shareOf(membersOf(item));
    if (share + own > 1 && batch.length > 0) {
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

function* chunkBatches(chunks: IndexItem['chunks']): Generator<Batch> {
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

/** The members of a batch in the order of the archive. */
export function membersOfBatch(batch: Batch): readonly Member[] {
  return batch.type === 'chunks' ? batch.chunks : batch.items.flatMap(membersOf);
}

function membersOf({ member, chunks }: IndexItem): readonly Member[] {
  return member === undefined ? chunks : [member, ...chunks];
}
