import type { Chunk, Member } from '#common/archive/gzip-member.ts';
import type { Place, PlacedItem } from '#common/archive/index-block.ts';
import { type IndexEntry, isUnstored } from '#common/archive/index-entry.ts';
import { paddingAfter } from '#common/archive/tar-header.ts';
import type { ContentDonors, Donor } from './content-donors.ts';
import type { Piece } from './read-pieces.ts';

/** A part of a file's content: from the tree, or the next of the step's pieces. */
export interface Part {
  readonly member: Pick<Chunk, 'length' | 'sha256'>;
  readonly donor: Donor | undefined;
}

/** An entry whose header follows from the index: it has no attributes, which the index only has a digest of. */
export interface MadeEntry {
  readonly entry: IndexEntry;
  readonly parts: readonly Part[];
}

/** What is to be done for one item of the index. */
export interface Step {
  readonly item: PlacedItem;
  /** Entries to be read from the item's own member, and from its chunks if `readsChunks`. */
  readonly read: readonly IndexEntry[];
  readonly readsChunks: boolean;
  readonly made: readonly MadeEntry[];
  /** What has to be fetched, in order; never empty. */
  readonly pieces: readonly ((Member & Place) | typeof noPiece)[];
}

/** Stands for a step that needs nothing of the archive. */
export const noPiece: Piece = { offset: 0, compressedLength: 0 };

/** Decides for the wanted entries of an item where each is taken from; fetches as little as can be. */
export function planStep(item: PlacedItem, wanted: readonly IndexEntry[], donors: ContentDonors): Step {
  const made = wanted.flatMap((entry) => madeEntry(item, entry, donors) ?? []);
  const read = wanted.filter((entry) => !made.some((done) => done.entry === entry));
  const last = item.entries.filter((entry) => !isUnstored(entry)).at(-1);
  const readsChunks = last !== undefined && read.includes(last);
  const parts = made.flatMap((entry) => entry.parts);
  const needed = new Set(parts.filter(({ donor }) => donor === undefined).map(({ member }) => member));
  const chunks = readsChunks ? item.chunks : item.chunks.filter((chunk) => needed.has(chunk));
  const pieces = [...(read.length > 0 && item.member !== undefined ? [item.member] : []), ...chunks];
  return { item, read, readsChunks, made, pieces: pieces.length > 0 ? pieces : [noPiece] };
}

/** Undefined when the entry has to be read from its member. */
function madeEntry(item: PlacedItem, entry: IndexEntry, donors: ContentDonors): MadeEntry | undefined {
  if (entry.attributes !== undefined) return undefined;
  if (entry.type !== 'file' || entry.size === 0) return { entry, parts: [] };
  const { chunks } = item;
  if (entry === item.entries.at(-1) && chunks.length > 0) {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (length !== entry.size + paddingAfter(entry.size)) return undefined;
    return { entry, parts: chunks.map((member) => ({ member, donor: donors.find(member.sha256) })) };
  }
  const donor = donors.find(entry.sha256);
  if (donor === undefined || entry.sha256 === undefined) return undefined;
  return { entry, parts: [{ member: { length: entry.size, sha256: entry.sha256 }, donor }] };
}
