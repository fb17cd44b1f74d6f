import { type ArchiveIndex, entriesByPath } from './archive-index.ts';
import { checkedEntries } from './checked-entries.ts';
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
export async function verifyArchive(index: ArchiveIndex): Promise<VerifiedArchive> {
  await checkIndex(index);
  let entries = 0;
  let bytes = 0;
  for await (const { entry } of checkedEntries(index)) {
    entries += 1;
    bytes += entry.size;
  }
  if (entries !== index.facts.entries) throw damaged(index.source.name, 'does not hold as many entries as it says');
  return { entries, bytes };
}

/** Reads the index alone and checks every entry against the rules. */
export async function checkIndex(index: ArchiveIndex): Promise<void> {
  const rules = sortedEntryRules();
  for await (const entry of entriesByPath(index)) rules.check(entry);
}
