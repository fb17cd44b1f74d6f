import { damaged, type Member, openMemberSync } from './gzip-member.ts';
import type { IndexItem } from './index-block.ts';
import { differenceOf, type IndexEntry, indexEntryOf, storedOf, whereIs } from './index-entry.ts';
import { joined } from './own-memory.ts';
import { StoredContent } from './stored-content.ts';
import type { TarEntry } from './tar-entry.ts';
import { encodeTarEntry, paddingAfter } from './tar-header.ts';
import { readHeaders } from './tar-headers.ts';
import type { Batch } from './unpack-batches.ts';

/** A part of an archive as it was read. */
export interface UnpackRequest {
  /** The archive's name, for messages. */
  readonly name: string;
  readonly batch: Batch;
  /** The compressed members of the batch, one after the other. */
  readonly data: Uint8Array;
}

export interface UnpackResult {
  /** A piece of a tar stream, its headers written anew; of a batch of chunks their content as it is. */
  readonly bytes: Uint8Array;
  /** Stored bytes of the file whose chunks are yet to come; 0 when there is none. */
  readonly openBytes: number;
}

/**
 * Unpacks members and compares them, the headers in them and the contents with the index. Throws a BackupError at the
 * first thing that is not so. Who gets chunks has to prove the file that they make. The result lies in `room` where it
 * fits. Synchronous: meant for threads that do nothing else.
 */
export function unpackItems({ name, batch, data }: UnpackRequest, room?: ArrayBuffer): UnpackResult {
  let offset = 0;
  const open = (member: Member): Buffer => {
    const compressed = data.subarray(offset, offset + member.compressedLength);
    offset += member.compressedLength;
    return openMemberSync(compressed, member, `a member of ${name}`);
  };
  if (batch.type === 'chunks') return { bytes: joined(batch.chunks.map(open), room), openBytes: 0 };
  const stream = new CheckedStream(name);
  for (const item of batch.items) {
    const member = item.member === undefined ? Buffer.alloc(0) : open(item.member);
    const isOpen = batch.isOpen && item === batch.items.at(-1);
    stream.add(item, member, isOpen ? 'open' : item.chunks.map(open));
  }
  return { bytes: joined(stream.parts, room), openBytes: stream.openBytes };
}

/** What was found to be as the index says: a tar stream in parts. */
class CheckedStream {
  readonly parts: Buffer[] = [];
  openBytes = 0;

  constructor(private readonly name: string) {}

  /** The chunks are the content of the last entry; all other contents, and its own without chunks, are in the member. */
  add({ entries }: IndexItem, member: Buffer, chunks: readonly Buffer[] | 'open'): void {
    const expected = storedOf(entries);
    let chunksLeft = chunks;
    for (let position = 0; position < member.length; ) {
      const { tar, end } = entryAt(member, position);
      const entry = expected.shift();
      const where = whereIs(tar?.path ?? '', this.name);
      if (tar === undefined || entry?.path !== tar.path)
        throw damaged(where, 'is not what the index has at this place');
      requireSame(entry, tar, where);
      this.parts.push(encodeTarEntry(tar));
      const content = new StoredContent(entry, tar.storedSize, where);
      const isInMember = expected.length > 0 || chunksLeft.length === 0;
      position = isInMember ? end + tar.storedSize + paddingAfter(tar.storedSize) : end;
      if (isInMember) this.#addContent(content, [member.subarray(end, position)]);
      else {
        if (chunksLeft === 'open') this.openBytes = tar.storedSize;
        else this.#addContent(content, chunksLeft);
        chunksLeft = [];
      }
    }
    if (expected.length > 0) throw damaged(this.name, 'lacks entries that its index names');
    if (chunksLeft.length > 0) throw damaged(this.name, 'has a chunk of no file');
  }

  #addContent(content: StoredContent, pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.parts.push(content.add(piece));
    content.end();
  }
}

/** Compares all but the content. */
function requireSame(entry: IndexEntry, tar: TarEntry, where: string): void {
  const found = indexEntryOf(tar, { sha256: tar.type === 'file' ? entry.sha256 : undefined });
  const difference = differenceOf(entry, found);
  if (difference !== undefined) throw damaged(where, `differs from the index: ${difference}`);
}

/** The entry whose headers begin at `start`, and where they end. */
function entryAt(data: Buffer, start: number): { readonly tar: TarEntry | undefined; readonly end: number } {
  let end = start;
  const reading = readHeaders();
  let step = reading.next();
  while (step.done !== true) {
    const from = end;
    end += step.value;
    step = reading.next(end <= data.length ? data.subarray(from, end) : undefined);
  }
  return { tar: step.value, end };
}
