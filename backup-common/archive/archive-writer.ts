import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ArchiveFacts } from './archive-facts.ts';
import { encodeTail } from './archive-tail.ts';
import { type ArchiveWork, workInPlace } from './archive-work.ts';
import { chunkLengths, chunksOf } from './content-chunks.ts';
import { EntryGroup } from './entry-group.ts';
import { compressMember, sha256Of } from './gzip-member.ts';
import type { IndexItem } from './index-block.ts';
import { type EntryFacts, type IndexEntry, indexEntryOf } from './index-entry.ts';
import { type IndexMark, IndexWriter, type KnownBlock, type WrittenItem } from './index-writer.ts';
import { chunkedFileBytes, endsGroup, standsAlone } from './member-boundaries.ts';
import { type CopiedRange, MemberWriter, type PendingMembers } from './member-writer.ts';
import type { TarEntry } from './tar-entry.ts';
import { blockSize, encodeTarEntry, paddingAfter, withSize } from './tar-header.ts';

/** The index's own entry, the last one of the archive. */
export const indexPath = 'backup-index.ndjson';

/** A place in a growing archive to go back to. */
export interface ArchiveMark {
  readonly length: number;
  readonly index: IndexMark;
}

/** What an archive is written with. */
export interface WriterTools {
  /** Who packs members; this thread when left out. */
  readonly work?: ArchiveWork;
  /** What to remember of a block, outside of the archive. */
  readonly noteOf?: (items: readonly WrittenItem[]) => Buffer;
}

/**
 * Writes an archive front to back. Entries come in path order within a segment (`endSegment`), segments in any order.
 * The format is described in FORMAT.md.
 */
export class ArchiveWriter {
  readonly #members: MemberWriter;
  readonly #index: IndexWriter;
  #group = new EntryGroup();

  constructor(file: FileHandle, indexSpool: FileHandle, { work = workInPlace(), noteOf }: WriterTools = {}) {
    this.#members = new MemberWriter(file, work);
    this.#index = new IndexWriter(indexSpool, noteOf);
  }

  /** An entry whose content, if any, is at hand; its sha256 is found when it is packed. `note` is for `noteOf`. */
  async add(entry: TarEntry, content: readonly Buffer[], facts: EntryFacts, note?: string): Promise<void> {
    const header = encodeTarEntry(entry);
    const bytes = header.length + entry.storedSize + paddingAfter(entry.storedSize);
    if (standsAlone(bytes)) await this.#endGroup();
    const group = this.#group;
    if (entry.type === 'file') group.contents.push([group.length + header.length, entry.storedSize]);
    if (entry.storedSize >= chunkedFileBytes) group.chunks = chunkLengths(content, paddingAfter(entry.storedSize));
    group.addBytes([header, ...content, ...paddingOf(entry.storedSize)]);
    group.addEntry(indexEntryOf(entry, facts), note);
    if (endsGroup(entry.path, bytes, group.length)) await this.#endGroup();
  }

  /** An entry that only the index knows: a device or a socket. */
  addUnstored(entry: IndexEntry, note?: string): void {
    this.#group.addEntry(entry, note);
  }

  /**
   * A large file: its header ends the group, its content is cut into members of its own. The facts are asked for when
   * `content` has been read to its end; when they are undefined the file is taken back, as if never added.
   */
  async addLarge(
    entry: TarEntry,
    content: AsyncIterable<Buffer>,
    factsOf: () => Promise<(EntryFacts & { readonly note?: string | undefined }) | undefined>,
  ): Promise<boolean> {
    const start = this.#members.position();
    const { parts, contents } = this.#group;
    const member = await this.#members.add([...parts, encodeTarEntry(entry)], contents);
    const chunks: PendingMembers[] = await this.#addChunks(content, paddingOf(entry.storedSize));
    const facts = await factsOf();
    if (facts === undefined) {
      await this.#members.cutBackTo(await start);
      return false;
    }
    this.#group.addEntry(indexEntryOf(entry, facts), facts.note);
    await this.#addGroup([member, ...chunks]);
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
    await this.#members.addStored(placeholder);
    const hash = createHash('sha256');
    let size = 0;
    const chunks = await this.#addChunks(
      tapped(content, (part) => {
        hash.update(part);
        size += part.length;
      }),
      [],
    );
    if (paddingAfter(size) > 0) chunks.push(await this.#members.add(paddingOf(size), [], [paddingAfter(size)]));
    await this.#members.flush();
    const member = await this.#members.overwriteStored(start, withSize(placeholder, size));
    const indexEntry = indexEntryOf({ ...entry, size, storedSize: size }, { sha256: hash.digest('hex') });
    this.#group.addEntry(indexEntry, undefined);
    await this.#addGroup([{ written: Promise.resolve(member) }, ...chunks]);
    return indexEntry;
  }

  /** The members and entries of an item of another archive, as they are. */
  async addCopied(item: IndexItem, notes: readonly (string | undefined)[], range: CopiedRange): Promise<void> {
    await this.#endGroup();
    await this.#members.addCopied(range);
    this.#index.add(item.entries, { ...item, parts: range.parts, notes });
    await this.#keepUp();
  }

  /** A block of another archive with all its members. */
  async addKnownBlock(block: KnownBlock, range: CopiedRange): Promise<void> {
    await this.#endGroup();
    await this.#members.addCopied(range);
    this.#index.addBlock(block);
    await this.#keepUp();
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
    this.#group = new EntryGroup();
    await this.#members.cutBackTo(mark.length);
    await this.#index.cutBackTo(mark.index);
  }

  /** Writes the index, the end of the tar stream and the tail. Tells the archive's size in bytes. The file is not synced. */
  async finish(facts: Omit<ArchiveFacts, 'entries'>, mtimeNs: bigint): Promise<number> {
    await this.endSegment();
    await this.#members.flush(); // the index waits for its members
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
    await this.#members.add([...paddingOf(size), Buffer.alloc(2 * blockSize)]);
    const tail = { blocksOffset, factsOffset, tableOffset, tableEnd: tableOffset + packedTable.length };
    await this.#members.flush();
    await this.#members.addRaw(encodeTail({ ...tail, factsSha256: sha256Of(factsText), tableSha256: sha256Of(table) }));
    return this.#members.flush();
  }

  /** The blocks of the finished index with their notes, in path order. */
  get blocks(): readonly KnownBlock[] {
    return this.#index.blocks;
  }

  async #addChunks(content: AsyncIterable<Buffer>, padding: readonly Buffer[]): Promise<PendingMembers[]> {
    const chunks: PendingMembers[] = [];
    for await (const { parts, length } of chunksOf(content, padding))
      chunks.push(await this.#members.add(parts, [], [length]));
    return chunks;
  }

  async #endGroup(): Promise<void> {
    const { entries, parts, contents, chunks } = this.#group;
    if (entries.length === 0) return;
    await this.#addGroup(parts.length === 0 ? [] : [await this.#members.add(parts, contents, chunks)]);
  }

  async #addGroup(members: readonly PendingMembers[]): Promise<void> {
    const { entries, notes } = this.#group;
    this.#group = new EntryGroup();
    const item = written(entries, members, notes);
    item.catch(() => undefined); // seen when its block is written
    this.#index.add(entries, item);
    await this.#keepUp();
  }

  /** Small entries come faster than the index is made of them. */
  async #keepUp(): Promise<void> {
    const backlog = this.#index.backlog;
    if (backlog === undefined) return;
    this.#members.start();
    await backlog;
  }
}

function indexTarEntry(size: number, mtimeNs: bigint): TarEntry {
  const owner = { uid: 0, gid: 0, mode: 0o600 };
  return { path: indexPath, type: 'file', ...owner, mtimeNs, size, storedSize: size, link: undefined, attributes: [] };
}

/**
 * The item when its members are in the file: the first one has the headers of its entries. Files without a sha256 get theirs
 * from there, too: it has the contents of all files but a large one, in their order.
 */
async function written(
  entries: readonly IndexEntry[],
  members: readonly PendingMembers[],
  notes: readonly (string | undefined)[],
): Promise<WrittenItem> {
  const packed = await Promise.all(members.map((pending) => pending.written));
  const contents = packed[0]?.contents[Symbol.iterator]();
  return {
    member: packed[0]?.member,
    entries: entries.map((entry) => {
      const content = entry.type === 'file' ? contents?.next().value : undefined;
      return content === undefined ? entry : { ...entry, sha256: entry.sha256 ?? content };
    }),
    chunks: packed.flatMap(({ chunks }) => chunks),
    parts: packed.map(({ part }) => part),
    notes,
  };
}

async function* tapped(content: AsyncIterable<Buffer>, look: (part: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const part of content) {
    look(part);
    yield part;
  }
}

/** The zeros that fill a tar entry's last block; none where it is full. */
function paddingOf(storedSize: number): readonly Buffer[] {
  const padding = paddingAfter(storedSize);
  return padding === 0 ? [] : [Buffer.alloc(padding)];
}
