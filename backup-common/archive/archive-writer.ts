import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ArchiveFacts } from './archive-facts.ts';
import { encodeTail } from './archive-tail.ts';
import { compressMember, sha256Of, storeMember } from './gzip-member.ts';
import type { IndexItem, PlacedMember } from './index-block.ts';
import { type EntryFacts, type IndexEntry, indexEntryOf } from './index-entry.ts';
import { type IndexMark, IndexWriter } from './index-writer.ts';
import { chunkBytes, endsGroup } from './member-boundaries.ts';
import { MemberWriter, type PendingMember } from './member-writer.ts';
import type { TarEntry } from './tar-entry.ts';
import { blockSize, encodeTarEntry, paddingAfter, withSize } from './tar-header.ts';

/** The index's own entry, the last one of the archive. */
export const indexPath = 'backup-index.ndjson';

/** A place in a growing archive to go back to. */
export interface ArchiveMark {
  readonly length: number;
  readonly index: IndexMark;
}

/**
 * Writes an archive front to back. Entries come in path order within a segment (`endSegment`), segments in any order.
 * The format is described in FORMAT.md.
 */
export class ArchiveWriter {
  readonly #members: MemberWriter;
  readonly #index: IndexWriter;
  #parts: Buffer[] = [];
  #entries: IndexEntry[] = [];
  #groupBytes = 0;

  constructor(
    private readonly file: FileHandle,
    indexSpool: FileHandle,
  ) {
    this.#members = new MemberWriter(file);
    this.#index = new IndexWriter(indexSpool);
  }

  /** An entry whose content, if any, is at hand. */
  async add(entry: TarEntry, content: readonly Buffer[], facts: EntryFacts): Promise<void> {
    const header = encodeTarEntry(entry);
    const padding = paddingAfter(entry.storedSize);
    this.#parts.push(header, ...content, ...(padding === 0 ? [] : [Buffer.alloc(padding)]));
    const bytes = header.length + entry.storedSize + padding;
    this.#groupBytes += bytes;
    this.#entries.push(indexEntryOf(entry, facts));
    if (endsGroup(entry.path, bytes, this.#groupBytes)) await this.#endGroup();
  }

  /** An entry that only the index knows: a device or a socket. */
  addUnstored(entry: IndexEntry): void {
    this.#entries.push(entry);
  }

  /**
   * A large file: its header ends the group, its content is cut into members of its own. The facts are asked for when
   * `content` has been read to its end; when they are undefined the file is taken back, as if never added.
   */
  async addLarge(
    entry: TarEntry,
    content: AsyncIterable<Buffer>,
    factsOf: () => Promise<EntryFacts | undefined>,
  ): Promise<boolean> {
    const start = this.#members.position();
    const member = await this.#members.add([...this.#parts, encodeTarEntry(entry)]);
    const chunks = await this.#addChunks(content, paddingAfter(entry.storedSize));
    const facts = await factsOf();
    if (facts === undefined) {
      await this.#members.cutBackTo(await start);
      return false;
    }
    this.#index.add({ member, entries: [...this.#entries, indexEntryOf(entry, facts)], chunks });
    this.#startGroup();
    return true;
  }

  /**
   * A file whose size nobody knows before its last byte. Its header is stored in a member of fixed length and
   * overwritten at the end.
   */
  async addStream(entry: TarEntry, content: AsyncIterable<Buffer>): Promise<IndexEntry> {
    await this.#endGroup();
    const placeholder = encodeTarEntry({ ...entry, size: 0, storedSize: 0 });
    const start = await this.#members.flush();
    await this.#members.addStored([placeholder]);
    const hash = createHash('sha256');
    let size = 0;
    const chunks = await this.#addChunks(
      tapped(content, (part) => {
        hash.update(part);
        size += part.length;
      }),
      0,
    );
    if (paddingAfter(size) > 0) chunks.push(await this.#members.add([Buffer.alloc(paddingAfter(size))]));
    await this.#members.flush();
    const header = withSize(placeholder, size);
    const packed = await storeMember(header);
    await this.file.write(packed, 0, packed.length, start);
    const member = { compressedLength: packed.length, length: header.length, sha256: sha256Of(header) };
    const indexEntry = indexEntryOf({ ...entry, size, storedSize: size }, { sha256: hash.digest('hex') });
    this.#index.add({ member: { written: Promise.resolve(member) }, entries: [indexEntry], chunks });
    return indexEntry;
  }

  /** The members and entries of an item of another archive, as they are; `read` gives the bytes of that archive. */
  async addCopied(
    item: IndexItem<PlacedMember>,
    read: (offset: number, length: number) => Promise<Buffer>,
  ): Promise<void> {
    await this.#endGroup();
    const copy = async (member: PlacedMember): Promise<PendingMember> =>
      this.#members.addCopied(member, await read(member.offset, member.compressedLength));
    const member = item.member === undefined ? undefined : await copy(item.member);
    const chunks: PendingMember[] = [];
    for (const chunk of item.chunks) chunks.push(await copy(chunk));
    this.#index.add({ member, entries: item.entries, chunks });
  }

  /** What follows may sort before what came last. */
  async endSegment(): Promise<void> {
    await this.#endGroup();
    this.#index.endBlock();
  }

  async mark(): Promise<ArchiveMark> {
    await this.endSegment();
    return { length: await this.#members.flush(), index: await this.#index.mark() };
  }

  async cutBackTo(mark: ArchiveMark): Promise<void> {
    this.#startGroup();
    await this.#members.cutBackTo(mark.length);
    await this.#index.cutBackTo(mark.index);
  }

  /** Writes the index, the end of the tar stream and the tail, and syncs. Tells the archive's size in bytes. */
  async finish(facts: Omit<ArchiveFacts, 'entries'>, mtimeNs: bigint): Promise<number> {
    await this.endSegment();
    const { blocks, blocksLength, textLength, table } = await this.#index.finish();
    const factsText = Buffer.from(
      `${JSON.stringify({ ...facts, entries: this.#index.entries } satisfies ArchiveFacts)}\n`,
    );
    const size = textLength + factsText.length + table.length;
    await this.#members.add([encodeTarEntry(indexTarEntry(size, mtimeNs))]);
    const blocksOffset = await this.#members.flush();
    for await (const block of blocks()) await this.#members.addRaw(block);
    const factsOffset = blocksOffset + blocksLength;
    const packedFacts = await compressMember(factsText);
    const packedTable = await compressMember(table);
    const tableOffset = factsOffset + packedFacts.length;
    await this.#members.addRaw(Buffer.concat([packedFacts, packedTable]));
    await this.#members.add([Buffer.alloc(paddingAfter(size) + 2 * blockSize)]);
    const tail = { blocksOffset, factsOffset, tableOffset, tableEnd: tableOffset + packedTable.length };
    await this.#members.flush();
    await this.#members.addRaw(encodeTail({ ...tail, factsSha256: sha256Of(factsText), tableSha256: sha256Of(table) }));
    const length = await this.#members.flush();
    await this.file.sync();
    return length;
  }

  async #addChunks(content: AsyncIterable<Buffer>, padding: number): Promise<PendingMember[]> {
    const chunks: PendingMember[] = [];
    let parts: Buffer[] = [];
    let length = 0;
    for await (const piece of content) {
      for (let rest = piece; rest.length > 0; ) {
        const part = rest.subarray(0, chunkBytes - length);
        rest = rest.subarray(part.length);
        parts.push(part);
        length += part.length;
        if (length < chunkBytes) continue;
        chunks.push(await this.#members.add(parts));
        parts = [];
        length = 0;
      }
    }
    if (padding > 0) parts.push(Buffer.alloc(padding));
    if (parts.length > 0) chunks.push(await this.#members.add(parts));
    return chunks;
  }

  async #endGroup(): Promise<void> {
    if (this.#entries.length === 0) return;
    const member = this.#parts.length === 0 ? undefined : await this.#members.add(this.#parts);
    this.#index.add({ member, entries: this.#entries, chunks: [] });
    this.#startGroup();
  }

  #startGroup(): void {
    this.#parts = [];
    this.#entries = [];
    this.#groupBytes = 0;
  }
}

function indexTarEntry(size: number, mtimeNs: bigint): TarEntry {
  const owner = { uid: 0, gid: 0, mode: 0o600 };
  return { path: indexPath, type: 'file', ...owner, mtimeNs, size, storedSize: size, link: undefined, attributes: [] };
}

async function* tapped(content: AsyncIterable<Buffer>, look: (part: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const part of content) {
    look(part);
    yield part;
  }
}
