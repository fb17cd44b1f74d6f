import { type ArchiveIndex, entriesByPath, readBlocks } from './archive-index.ts';
import type { ArchiveWork } from './archive-work.ts';
import { checkedPieces } from './checked-pieces.ts';
import { sortedEntryRules } from './entry-rules.ts';
import { damaged } from './gzip-member.ts';

export interface VerifiedArchive {
  readonly entries: number;
  /** Bytes of all files as a reader sees them, holes included. */
  readonly bytes: number;
}

/**
 * Reads a whole archive back: the index keeps the rules of entries, and every member and entry is what the index
 * says. Throws a BackupError at the first thing that is not so.
 */
export async function verifyArchive(index: ArchiveIndex, work: ArchiveWork): Promise<VerifiedArchive> {
  await checkIndex(index);
  let entries = 0;
  let bytes = 0;
  for await (const piece of checkedPieces(index, work)) {
    entries += piece.entries.length;
    for (const { size } of piece.entries) bytes += size;
  }
  if (entries !== index.facts.entries) throw damaged(index.source.name, 'does not hold as many entries as it says');
  return { entries, bytes };
}

/** Reads the index alone and checks every entry against the rules. */
export async function checkIndex(index: ArchiveIndex): Promise<void> {
  const rules = sortedEntryRules();
  for await (const entry of entriesByPath(index)) rules.check(entry);
}

/**
 * Reads the index alone: what `verifyArchive` does without the members, for an archive whose members were compared with
 * their hashes when they were written. The index keeps the rules of entries, and its members lie one after the other
 * from the first byte on, up to the index.
 */
export async function verifyIndex(index: ArchiveIndex): Promise<VerifiedArchive> {
  const rules = sortedEntryRules();
  const ends = new Map<number, number>();
  let [entries, bytes] = [0, 0];
  for await (const { block, items } of readBlocks(index)) {
    let end = block.membersOffset;
    for (const { member, entries: found, chunks } of items) {
      for (const entry of found) {
        rules.check(entry);
        entries += 1;
        bytes += entry.size;
      }
      end = chunks.reduce((sum, chunk) => sum + chunk.compressedLength, end + (member?.compressedLength ?? 0));
    }
    if (end > block.membersOffset) ends.set(block.membersOffset, end);
  }
  requireNoGap(ends, index);
  if (entries !== index.facts.entries) throw damaged(index.source.name, 'does not hold as many entries as it says');
  return { entries, bytes };
}

/** `ends`: where the members of a block end, by where they begin. */
function requireNoGap(ends: ReadonlyMap<number, number>, { source, tail }: ArchiveIndex): void {
  let position = 0;
  for (let end = ends.get(0); end !== undefined; end = ends.get(position)) position = end;
  const isLast = [...ends.values()].every((end) => end <= position);
  if (!isLast || position > tail.blocksOffset) throw damaged(source.name, 'has members that overlap or leave a gap');
}
