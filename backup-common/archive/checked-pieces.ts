import { type ArchiveIndex, itemsByPlace } from './archive-index.ts';
import { tailLength } from './archive-tail.ts';
import type { ArchiveWork } from './archive-work.ts';
import { indexPath } from './archive-writer.ts';
import { damaged, gunzipped } from './gzip-member.ts';
import { type IndexEntry, storedOf, whereIs } from './index-entry.ts';
import { mapAhead } from './map-ahead.ts';
import { ownMemory } from './own-memory.ts';
import { StoredContent } from './stored-content.ts';
import { TarReader } from './tar-reader.ts';
import { type Batch, batchesOf, membersOfBatch } from './unpack-batches.ts';

/** Batches of about 1 MiB, so that threads have work while one is waited for. */
const batchesAhead = 12;

/** A part of an archive that was compared with its index. */
export interface CheckedPiece {
  /** Those that begin here, in the order of the archive, and with them those that are only recorded. */
  readonly entries: readonly IndexEntry[];
  /** A piece of a tar stream whose headers we wrote ourselves. */
  readonly bytes: Buffer;
}

/**
 * An archive of ours from the first byte to the last. Each member must have the length and hash of the index, the tar
 * stream inside exactly the entries of the index with their contents; else a BackupError. All together are a tar stream
 * without its end and without the index. A content is proven when the piece with the next entry comes, or the end.
 */
export async function* checkedPieces(index: ArchiveIndex, work: ArchiveWork): AsyncGenerator<CheckedPiece> {
  const { source } = index;
  const { name } = source;
  const unpacked = mapAhead(placedBatches(index), batchesAhead, async ({ batch, start, end }) => {
    const data = ownMemory(await source.read(start, end - start));
    return { batch, end, result: await work.unpack({ name, batch, data }) };
  });
  let position = 0;
  let open: StoredContent | undefined;
  for await (const { batch, end, result } of unpacked) {
    const bytes = bufferOf(result.bytes);
    if (batch.type === 'items') {
      const entries = batch.items.flatMap((item) => item.entries);
      const last = storedOf(entries).at(-1);
      open = last && new StoredContent(last, result.openBytes, whereIs(last.path, name));
      yield { entries, bytes };
    } else {
      if (open === undefined) throw new Error('chunks were unpacked that are of no file');
      yield { entries: [], bytes: open.add(bytes) };
      if (batch.isLast) open.end();
    }
    position = end;
  }
  await requireIndexOnly(source.stream(position, source.size - tailLength), name);
}

interface PlacedBatch {
  readonly batch: Batch;
  readonly start: number;
  readonly end: number;
}

/** Where the batches lie in the archive: one after the other, since the items do. */
async function* placedBatches(index: ArchiveIndex): AsyncGenerator<PlacedBatch> {
  let start = 0;
  for await (const batch of batchesOf(itemsByPlace(index))) {
    const end = membersOfBatch(batch).reduce((sum, { compressedLength }) => sum + compressedLength, start);
    yield { batch, start, end };
    start = end;
  }
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** After the members: the index as the one entry that is left, and the end of the tar stream. */
async function requireIndexOnly(compressed: AsyncIterable<Buffer>, name: string): Promise<void> {
  const reader = new TarReader(gunzipped(compressed, name));
  for (let tar = await reader.next(); tar !== undefined; tar = await reader.next())
    if (tar.path !== indexPath) throw damaged(whereIs(tar.path, name), 'is not what the index has at this place');
}
