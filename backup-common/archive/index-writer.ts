import type { FileHandle } from 'node:fs/promises';
import { comparePaths } from './byte-path.ts';
import { compressMember, type Member, sha256Of } from './gzip-member.ts';
import { type BlockRow, firstPathOf, formatBlock, formatBlockRow, type IndexItem } from './index-block.ts';
import type { IndexEntry } from './index-entry.ts';
import { endsBlock } from './member-boundaries.ts';
import type { PendingMember } from './member-writer.ts';

/** An item whose members may still be on their way to the file. */
export interface PendingItem {
  readonly member: PendingMember | undefined;
  readonly entries: readonly IndexEntry[];
  readonly chunks: readonly PendingMember[];
}

interface SpooledBlock extends BlockRow {
  readonly firstPath: string;
  readonly spoolOffset: number;
}

/** Where an index stands, to go back to. */
export interface IndexMark {
  readonly blocks: number;
  readonly spoolLength: number;
  readonly membersLength: number;
}

/**
 * Gathers items into blocks, and the finished blocks in a spool file: services come in the order they run, the index
 * is sorted by path. Memory: one open block and a row for each finished one.
 */
export class IndexWriter {
  #open: PendingItem[] = [];
  /** Blocks are finished one after another, behind the members they describe. */
  #chain: Promise<void> = Promise.resolve();
  #blocks: SpooledBlock[] = [];
  #spoolLength = 0;
  #membersLength = 0;

  constructor(private readonly spool: FileHandle) {}

  /** The next step through the archive, in its order. */
  add(item: PendingItem): void {
    this.#open.push(item);
    if (item.entries.some((entry) => endsBlock(entry.path))) this.endBlock();
  }

  /** Ends the block whatever its paths: what follows may sort elsewhere. */
  endBlock(): void {
    if (this.#open.length === 0) return;
    const pending = this.#open;
    this.#open = [];
    this.#chain = this.#chain.then(() => this.#finishBlock(pending));
    this.#chain.catch(() => undefined); // seen by the next `mark` or `finish`
  }

  async #finishBlock(pending: readonly PendingItem[]): Promise<void> {
    const items = await Promise.all(pending.map(settled));
    const text = Buffer.from(formatBlock(items));
    const compressed = await compressMember(text);
    await this.spool.write(compressed, 0, compressed.length, this.#spoolLength);
    this.#blocks.push({
      firstPath: firstPathOf(items),
      spoolOffset: this.#spoolLength,
      sha256: sha256Of(text),
      compressedLength: compressed.length,
      length: text.length,
      membersOffset: this.#membersLength,
      entries: items.reduce((sum, item) => sum + item.entries.length, 0),
    });
    this.#spoolLength += compressed.length;
    this.#membersLength += items.reduce((sum, item) => sum + lengthOf(item), 0);
  }

  async mark(): Promise<IndexMark> {
    await this.#settle();
    return { blocks: this.#blocks.length, spoolLength: this.#spoolLength, membersLength: this.#membersLength };
  }

  async cutBackTo(mark: IndexMark): Promise<void> {
    this.#open = [];
    await this.#chain.catch(() => undefined); // what could not be written is cut off now
    this.#chain = Promise.resolve();
    this.#blocks.length = mark.blocks;
    this.#spoolLength = mark.spoolLength;
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
    const sorted = this.#blocks.sort((a, b) => comparePaths(a.firstPath, b.firstPath));
    return {
      blocks: () => this.#readSpool(sorted),
      blocksLength: this.#spoolLength,
      textLength: sorted.reduce((sum, block) => sum + block.length, 0),
      table: Buffer.from(sorted.map((row) => `${formatBlockRow(row)}\n`).join('')),
    };
  }

  get entries(): number {
    return this.#blocks.reduce((sum, block) => sum + block.entries, 0);
  }

  async #settle(): Promise<void> {
    this.endBlock();
    await this.#chain;
  }

  async *#readSpool(sorted: readonly SpooledBlock[]): AsyncGenerator<Buffer> {
    for (const { spoolOffset, compressedLength } of sorted) {
      const bytes = Buffer.alloc(compressedLength);
      await this.spool.read(bytes, 0, compressedLength, spoolOffset);
      yield bytes;
    }
  }
}

async function settled(item: PendingItem): Promise<IndexItem> {
  return {
    member: await item.member?.written,
    entries: item.entries,
    chunks: await Promise.all(item.chunks.map((chunk) => chunk.written)),
  };
}

function lengthOf({ member, chunks }: IndexItem): number {
  return [member, ...chunks].reduce((sum: number, part: Member | undefined) => sum + (part?.compressedLength ?? 0), 0);
}
