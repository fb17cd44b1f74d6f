import type { IndexEntry } from './index-entry.ts';
import type { Range } from './pack-members.ts';

/** Entries that will share a member, and its bytes. */
export class EntryGroup {
  readonly parts: Buffer[] = [];
  readonly entries: IndexEntry[] = [];
  /** One for each entry. */
  readonly notes: (string | undefined)[] = [];
  /** Where its files' contents lie. */
  readonly contents: Range[] = [];
  /** Lengths of the chunks that the one file in it is cut in; none when it is small. */
  chunks: readonly number[] = [];
  /** Bytes of all parts. */
  length = 0;

  /** What the archive holds of an entry: its header, its content if any, tar's padding. */
  addBytes(parts: readonly Buffer[]): void {
    for (const part of parts) {
      this.parts.push(part);
      this.length += part.length;
    }
  }

  addEntry(entry: IndexEntry, note: string | undefined): void {
    this.entries.push(entry);
    this.notes.push(note);
  }
}
