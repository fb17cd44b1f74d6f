import type { ArchiveIndex } from './archive-index.ts';
import { workInPlace } from './archive-work.ts';
import { type CheckedPiece, checkedPieces } from './checked-pieces.ts';
import type { IndexItem } from './index-block.ts';
import { type IndexEntry, isUnstored } from './index-entry.ts';
import type { TarEntry } from './tar-entry.ts';
import { blockSize } from './tar-header.ts';
import { TarReader } from './tar-reader.ts';

/** An entry as it comes out of an archive. */
export interface ArchiveEntry {
  readonly entry: IndexEntry;
  /** Undefined for what is only recorded: devices and sockets. */
  readonly tar: TarEntry | undefined;
  /** The stored bytes of a file, once. What is not read is passed over. */
  readonly content: () => AsyncIterable<Buffer>;
}

const noContent = async function* (): AsyncGenerator<Buffer> {};

/**
 * Every entry of an archive of ours, or of its wanted items, in its order, checked as `checkedPieces` does. An entry is
 * proven when the next one is asked for.
 */
export async function* checkedEntries(
  index: ArchiveIndex,
  work = workInPlace(),
  isWanted?: (item: IndexItem) => boolean,
): AsyncGenerator<ArchiveEntry> {
  const expected: IndexEntry[] = [];
  const reader = new TarReader(tarStream(checkedPieces(index, work, isWanted), expected));
  for (let tar = await reader.next(); tar !== undefined; tar = await reader.next()) {
    yield* unstoredAtHead(expected);
    const entry = expected.shift();
    if (entry === undefined) throw new Error('a checked tar stream has more entries than its index');
    yield { entry, tar, content: () => reader.content() };
  }
  yield* unstoredAtHead(expected);
}

/** The entries of a piece are in `expected` before its first byte is out. */
async function* tarStream(pieces: AsyncIterable<CheckedPiece>, expected: IndexEntry[]): AsyncGenerator<Buffer> {
  for await (const { entries, bytes } of pieces) {
    expected.push(...entries);
    yield bytes;
  }
  yield Buffer.alloc(2 * blockSize);
}

function* unstoredAtHead(expected: IndexEntry[]): Generator<ArchiveEntry> {
  for (let entry = expected[0]; entry !== undefined && isUnstored(entry); entry = expected[0]) {
    expected.shift();
    yield { entry, tar: undefined, content: noContent };
  }
}
