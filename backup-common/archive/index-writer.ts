import type { FileHandle } from 'node:fs/promises';
import { workInPlace } from './archive-work.ts';
import { comparePaths } from './byte-path.ts';
import { FileAppender } from './file-appender.ts';
import { compressMember, sha256Of } from './gzip-member.ts';
import { type BlockRow, firstPathOf, formatBlock, formatBlockRow, type IndexItem } from './index-block.ts';
import type { IndexEntry } from './index-entry.ts';
import { endsBlock } from './member-boundaries.ts';
import type { PackedPart } from './pack-members.ts';

/** An item that is in the file. */
export interface WrittenItem extends IndexItem {
  /** All bytes of its members, in any number of parts. */
  readonly parts: readonly PackedPart[];
  /** What is noted of each entry, for `noteOf`. */
  readonly notes: readonly (string | undefined)[];
}

/** Bytes that lie somewhere, read when they are needed. */
export interface Located {
  readonly source: { read(offset: number, length: number): Promise<Buffer> };
  readonly offset: number;
  readonly length: number;
}

/** A block of another archive that is the same in this one: its row, its bytes, and the note that was made of it. */
export interface KnownBlock extends Omit<BlockRow, 'membersOffset'> {
  readonly firstPath: string;
  /** Compressed bytes of all its members. */
  readonly membersLength: number;
  readonly block: Located;
  readonly note: Located;
}

/** Two thousand entries, which are more than one batch of members. */
const maxWaitingBlocks = 64;
/** Finished blocks are some kilobytes each. */
const readAtOnce = 64;

/** A block, and where the first of its members lies. */
type FinishedBlock = Pick<BlockRow, 'membersOffset'> & { readonly block: KnownBlock };

/** Where an index stands, to go back to. */
export interface IndexMark {
  readonly blocks: number;
  readonly spoolLength: number;
  readonly membersLength: number;
}

/**
 * Gathers items into blocks, and the finished blocks in a spool file: services come in the order they run, the index
 * is sorted by path. What `noteOf` makes of a block lies beside it. Memory: one open block and a row for each finished one.
 */
export class IndexWriter {
  #open: (WrittenItem | Promise<WrittenItem>)[] = [];
  #openEntries = 0;
  /** Blocks are finished one after another, behind the members they describe. */
  #chain: Promise<void> = Promise.resolve();
  /** For each block that waits, oldest first, when it is finished. */
  readonly #waiting: Promise<void>[] = [];
  #blocks: FinishedBlock[] = [];
  readonly #appender: FileAppender;
  #membersLength = 0;

  constructor(
    private readonly spool: FileHandle,
    private readonly noteOf: (items: readonly WrittenItem[]) => Buffer = () => Buffer.alloc(0),
  ) {
    this.#appender = new FileAppender(spool, workInPlace());
  }

  /** The next step through the archive, in its order, with these entries; its members may be on their way to the file. */
  add(entries: readonly IndexEntry[], item: WrittenItem | Promise<WrittenItem>): void {
    this.#open.push(item);
    this.#openEntries += entries.length;
    if (endsBlock(entries, this.#openEntries)) this.endBlock();
  }

  /** A whole block, after the one that was open. */
  addBlock(block: KnownBlock): void {
    this.endBlock();
    this.#enqueue(async () => this.#finish(block));
  }

  /** Ends the block whatever its paths: what follows may sort elsewhere. */
  endBlock(): void {
    if (this.#open.length === 0) return;
    const pending = this.#open;
    this.#open = [];
    this.#openEntries = 0;
    this.#enqueue(() => this.#writeBlock(pending));
  }

  /** Settles when it is well to go on: undefined when that is now. What is open in the members must be written for it. */
  get backlog(): Promise<void> | undefined {
    return this.#waiting.length > maxWaitingBlocks ? this.#waiting[0] : undefined;
  }

  #enqueue(step: () => Promise<void>): void {
    this.#chain = this.#chain.then(step).then(() => void this.#waiting.shift());
    this.#waiting.push(this.#chain);
    this.#chain.catch(() => undefined); // seen by the next `mark` or `finish`
  }

  async #writeBlock(pending: readonly (WrittenItem | Promise<WrittenItem>)[]): Promise<void> {
    const items = await Promise.all(pending);
    const text = Buffer.from(formatBlock(items));
    const block = await this.#addToSpool(await compressMember(text));
    const note = await this.#addToSpool(this.noteOf(items));
    this.#finish({
      firstPath: firstPathOf(items),
      sha256: sha256Of(text),
      compressedLength: block.length,
      length: text.length,
      entries: items.reduce((sum, item) => sum + item.entries.length, 0),
      membersLength: items.reduce((sum, item) => sum + lengthOf(item), 0),
      block,
      note,
    });
  }

  #finish(block: KnownBlock): void {
    this.#blocks.push({ block, membersOffset: this.#membersLength });
    this.#membersLength += block.membersLength;
  }

  async #addToSpool(bytes: Buffer): Promise<Located> {
    const located = { source: this, offset: this.#appender.length, length: bytes.length };
    await this.#appender.append({ bytes });
    return located;
  }

  /** Bytes of the spool, once finished. */
  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    await this.spool.read(bytes, 0, length, offset);
    return bytes;
  }

  async mark(): Promise<IndexMark> {
    await this.#settle();
    return { blocks: this.#blocks.length, spoolLength: this.#appender.length, membersLength: this.#membersLength };
  }

  async cutBackTo(mark: IndexMark): Promise<void> {
    this.#open = [];
    this.#openEntries = 0;
    await this.#chain.catch(() => undefined); // what could not be written is cut off now
    this.#chain = Promise.resolve();
    this.#waiting.length = 0;
    this.#blocks.length = mark.blocks;
    await this.#appender.cutBackTo(mark.spoolLength);
    this.#membersLength = mark.membersLength;
  }

  /** The finished index: its blocks in path order, compressed, to be read once, and the text of its table. */
  async finish(): Promise<{
    blocks: () => AsyncIterable<Buffer>;
    blocksLength: number;
    textLength: number;
    table: Buffer;
  }> {
    await this.#settle();
    await this.#appender.flush();
    this.#blocks.sort((a, b) => comparePaths(a.block.firstPath, b.block.firstPath));
    const rows = this.#blocks.map(({ block, membersOffset }) => `${formatBlockRow({ ...block, membersOffset })}\n`);
    return {
      blocks: () => readEach(this.blocks.map(({ block }) => block)),
      blocksLength: this.blocks.reduce((sum, block) => sum + block.compressedLength, 0),
      textLength: this.blocks.reduce((sum, block) => sum + block.length, 0),
      table: Buffer.from(rows.join('')),
    };
  }

  /** The blocks in path order, once finished. */
  get blocks(): readonly KnownBlock[] {
    return this.#blocks.map(({ block }) => block);
  }

  get entries(): number {
    return this.#blocks.reduce((sum, { block }) => sum + block.entries, 0);
  }

  async #settle(): Promise<void> {
    this.endBlock();
    await this.#chain;
  }
}

async function* readEach(places: readonly Located[]): AsyncGenerator<Buffer> {
  for (let start = 0; start < places.length; start += readAtOnce) {
    const some = places.slice(start, start + readAtOnce);
    yield* await Promise.all(some.map(({ source, offset, length }) => source.read(offset, length)));
  }
}

function lengthOf({ parts }: WrittenItem): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
