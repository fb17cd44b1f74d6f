import { type ArchiveIndex, itemsByPlace } from './archive-index.ts';
import { tailLength } from './archive-tail.ts';
import type { ArchiveWork } from './archive-work.ts';
import { indexPath } from './archive-writer.ts';
import { damaged, gunzipped } from './gzip-member.ts';
import type { IndexItem, PlacedItem } from './index-block.ts';
import { type IndexEntry, storedOf, whereIs } from './index-entry.ts';
import { mapAhead } from './map-ahead.ts';
import { ownMemory } from './own-memory.ts';
import { StoredContent } from './stored-content.ts';
import { TarReader } from './tar-reader.ts';
import { placedBatches } from './unpack-batches.ts';

/** Batches of about 1 MiB, so that threads have work while one is waited for. */
const batchesAhead = 6;

/** A part of an archive that was compared with its index. */
export interface CheckedPiece {
  /** Those that begin here, in the order of the archive, and with them those that are only recorded. */
  readonly entries: readonly IndexEntry[];
  /** A piece of a tar stream whose headers we wrote ourselves. */
  readonly bytes: Buffer;
}

/**
 * An archive of ours from the first byte to the last, or just the wanted items of it. Each member must have the length of
 * the index, the tar stream inside exactly the entries of the index with their contents; else a BackupError. All together
 * are a tar stream without its end and without the index. A content is proven when the piece with the next entry comes, or
 * the end.
 */
export async function* checkedPieces(
  index: ArchiveIndex,
  work: ArchiveWork,
  isWanted?: (item: IndexItem) => boolean,
): AsyncGenerator<CheckedPiece> {
  const { source } = index;
  const { name } = source;
  const items = isWanted === undefined ? itemsByPlace(index) : wantedItems(index, isWanted);
  const unpacked = mapAhead(placedBatches(items), batchesAhead, async ({ batch, offset, length }) => {
    const data = ownMemory(await source.read(offset, length));
    return { batch, end: offset + length, result: await work.unpack({ name, batch, data }) };
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
    position = Math.max(position, end);
  }
  if (isWanted === undefined) await requireIndexOnly(source.stream(position, source.size - tailLength), name);
}

async function* wantedItems(index: ArchiveIndex, isWanted: (item: IndexItem) => boolean): AsyncGenerator<PlacedItem> {
  for await (const item of itemsByPlace(index)) if (isWanted(item)) yield item;
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
