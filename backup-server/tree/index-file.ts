import { open, rm } from 'node:fs/promises';
import type { ArchiveFacts } from '#common/archive/archive-facts.ts';
import { type ArchiveIndex, openArchiveIndex, type PlacedBlock } from '#common/archive/archive-index.ts';
import { encodeTail } from '#common/archive/archive-tail.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { compressMember, sha256Of } from '#common/archive/gzip-member.ts';
import { formatBlockRow } from '#common/archive/index-block.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { IndexWriter } from '#common/archive/index-writer.ts';
import { MemberWriter } from '#common/archive/member-writer.ts';
import { windowSource } from '#common/archive/window-source.ts';
import { BackupError, hasCode } from '#common/errors.ts';
import { readPieces } from './read-pieces.ts';

/** Text of an index whose parsed blocks may stay in memory, where they take up to three times as much: 50,000 entries. */
const maxKeptBytes = 16 * 1024 * 1024;

/**
 * An index in a file of its own on this server: blocks, facts, table and tail as at the end of an archive, with nothing
 * before them. It opens like an archive whose members are elsewhere. Who renames it to its place has to sync it.
 */
export async function openIndexFile(path: string): Promise<ArchiveIndex | undefined> {
  const source = await openFileSource(path).catch((error: unknown) => {
    if (error instanceof BackupError && hasCode(error.cause, 'ENOENT')) return undefined;
    throw error;
  });
  if (source === undefined) return undefined;
  const index = await openArchiveIndex(windowSource(source)).catch((error: unknown) => {
    if (error instanceof BackupError) return undefined; // as good as none: what it was kept for is done anew
    throw error;
  });
  if (index === undefined) await source.close();
  return index;
}

/**
 * Copies the index of an archive into a new file at `path`. Blocks that `known` has by the same hash come from there, so
 * that only the changed ones are fetched. The result reads its blocks from the copy and is to be closed by its
 * `blockSource`; each block is checked when it is read.
 */
export async function copyIndex(index: ArchiveIndex, known: ArchiveIndex | undefined, path: string) {
  const file = await open(path, 'wx', 0o600);
  let blocks: readonly PlacedBlock[];
  try {
    const writer = new MemberWriter(file);
    const knownBlocks = new Map(known?.blocks.map((block) => [block.sha256, block]));
    const isKnown = ({ sha256, compressedLength }: PlacedBlock) =>
      knownBlocks.get(sha256)?.compressedLength === compressedLength;
    const fetched = readPieces(
      index.source,
      index.blocks.filter((block) => !isKnown(block)),
    );
    for (const block of index.blocks) {
      const twin = isKnown(block) ? knownBlocks.get(block.sha256) : undefined;
      await writer.addRaw(
        twin === undefined || known === undefined
          ? await nextBytes(fetched)
          : await known.source.read(twin.offset, twin.compressedLength),
      );
    }
    blocks = fromZero(index.blocks);
    await finish(writer, index.facts, index.blocks.map((row) => `${formatBlockRow(row)}\n`).join(''));
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return {
    ...index,
    blocks,
    blockSource: windowSource(await openFileSource(path)),
    ...(isSmall(index) && { kept: new Map() }),
  };
}

function isSmall({ blocks }: ArchiveIndex): boolean {
  return blocks.reduce((sum, { length }) => sum + length, 0) <= maxKeptBytes;
}

/** Writes the entries of an archive that brings no index, in path order, as such a file. */
export async function writeIndexFile(path: string, host: string, entries: readonly IndexEntry[]): Promise<void> {
  const [file, spool] = [await open(path, 'wx', 0o600), await open(`${path}.blocks`, 'wx+', 0o600)];
  try {
    const index = new IndexWriter(spool);
    for (const entry of entries)
      index.add([entry], { member: undefined, entries: [entry], chunks: [], parts: [], notes: [] });
    const { blocks, table } = await index.finish();
    const writer = new MemberWriter(file);
    for await (const block of blocks()) await writer.addRaw(block);
    const facts = { host, program: '', createdAt: '', entries: entries.length, services: [] };
    await finish(writer, facts, table.toString());
  } finally {
    await file.close();
    await spool.close();
    await rm(`${path}.blocks`);
  }
}

async function finish(writer: MemberWriter, facts: ArchiveFacts, table: string): Promise<void> {
  const factsText = Buffer.from(`${JSON.stringify(facts)}\n`);
  const tableText = Buffer.from(table);
  const [packedFacts, packedTable] = [await compressMember(factsText), await compressMember(tableText)];
  const factsOffset = await writer.flush();
  const tableOffset = factsOffset + packedFacts.length;
  const tableEnd = tableOffset + packedTable.length;
  const hashes = { factsSha256: sha256Of(factsText), tableSha256: sha256Of(tableText) };
  const tail = encodeTail({ blocksOffset: 0, factsOffset, tableOffset, tableEnd, ...hashes });
  await writer.addRaw(Buffer.concat([packedFacts, packedTable, tail]));
  await writer.flush();
}

function fromZero(blocks: readonly PlacedBlock[]): readonly PlacedBlock[] {
  let offset = 0;
  return blocks.map((block) => {
    const placed = { ...block, offset };
    offset += block.compressedLength;
    return placed;
  });
}

async function nextBytes(pieces: AsyncIterator<readonly [PlacedBlock, Buffer]>): Promise<Buffer> {
  const next = await pieces.next();
  if (next.done === true) throw new Error('a block was asked for that nobody had fetched');
  return next.value[1];
}
