import type { PlacedBlock } from '#common/archive/archive-index.ts';
import { type BytePath, comparePaths } from '#common/archive/byte-path.ts';
import type { PlacedItem } from '#common/archive/index-block.ts';
import { isUnstored } from '#common/archive/index-entry.ts';
import type { KnownBlock } from '#common/archive/index-writer.ts';
import type { CopiedRange } from '#common/archive/member-writer.ts';
import type { PackedPart } from '#common/archive/pack-members.ts';
import type { WalkedEntry } from '#common/archive/walk-tree.ts';
import { digestOf } from './block-note.ts';
import { type DeviceOf, type Identity, stateAsIndexed, stateAsWalked } from './entry-state.ts';
import { HardLinks, hasSeveralNames } from './hard-links.ts';
import { Lookahead } from './lookahead.ts';

/** A block of the base archive, and what was noted of it. */
export interface BaseBlock {
  readonly known: KnownBlock;
  readonly placed: PlacedBlock;
  readonly digest: string | undefined;
}

/** An item of the base archive, with the identity that each of its entries had; none for one that must be read again. */
export interface BaseItem {
  readonly item: PlacedItem;
  /** All bytes of its members. */
  readonly parts: readonly PackedPart[];
  readonly identities: readonly (Identity | undefined)[];
}

/** The base archive at one place. */
export interface Base {
  /** In path order. */
  readonly blocks: Iterable<BaseBlock>;
  itemsOf(block: BaseBlock): Promise<readonly BaseItem[]>;
  /** The bytes of all members of a block. */
  membersOfBlock(block: BaseBlock): Promise<CopiedRange>;
  /** The bytes of the members of an item. */
  membersOfItem(item: BaseItem): CopiedRange;
}

/** What to do next with a walk. */
export type PlannedStep =
  /** Tar reads it. */
  | { readonly type: 'read'; readonly walked: WalkedEntry }
  /** Another name of a file that an earlier step brings. */
  | { readonly type: 'link'; readonly walked: WalkedEntry }
  /** Only the index knows it: a device or a socket. */
  | { readonly type: 'record'; readonly walked: WalkedEntry }
  /** Nothing of it has changed: it is copied from the base. */
  | { readonly type: 'copy-item'; readonly base: BaseItem; readonly walked: readonly WalkedEntry[] }
  | { readonly type: 'copy-block'; readonly block: BaseBlock; readonly walked: readonly WalkedEntry[] };

export interface Ways {
  placeOf(path: BytePath): BytePath;
  readonly deviceOf: DeviceOf;
}

/**
 * Goes through a walk and the blocks of the base archive for the same source, both in path order. A block is copied when
 * the walk has just its entries in a row and all are as they were; else its items are looked at one by one in the same
 * way. Memory: one block.
 */
export async function* planReuse(walk: Iterable<WalkedEntry>, base: Base, ways: Ways): AsyncGenerator<PlannedStep> {
  const entries = new Lookahead(walk);
  const links = new HardLinks<BytePath>();
  const isBefore = (path: BytePath) => {
    const first = entries.peek();
    return first !== undefined && comparePaths(ways.placeOf(first.path), path) < 0;
  };
  function* next(): Generator<PlannedStep> {
    for (const walked of entries.take(1)) {
      yield { type: readingOf(walked, links), walked };
      links.add(walked.stat, ways.placeOf(walked.path));
    }
  }
  for (const block of base.blocks) {
    while (isBefore(block.known.firstPath)) yield* next();
    const ahead = entries.ahead(block.known.entries);
    if (block.digest === digestOfWalk(ahead, ways)) {
      yield { type: 'copy-block', block, walked: entries.take(ahead.length) };
      continue;
    }
    for (const item of await base.itemsOf(block)) {
      while (isBefore(item.item.entries[0]?.path ?? '')) yield* next();
      const walked = entries.ahead(item.item.entries.length);
      if (!isSameItem(item, walked, links, ways)) continue;
      for (const { path, stat } of entries.take(walked.length)) links.add(stat, ways.placeOf(path));
      yield { type: 'copy-item', base: item, walked };
    }
  }
  while (entries.peek() !== undefined) yield* next();
}

function readingOf({ stat }: WalkedEntry, links: HardLinks<BytePath>): 'read' | 'link' | 'record' {
  if (links.firstOf(stat) !== undefined) return 'link';
  return isUnstored(stat) ? 'record' : 'read';
}

function digestOfWalk(walked: readonly WalkedEntry[], { placeOf, deviceOf }: Ways): string {
  if (walked.some(({ stat }) => hasSeveralNames(stat))) return '';
  return digestOf(walked.map(({ path, stat }) => stateAsWalked(placeOf(path), stat, deviceOf)));
}

function isSameItem(
  { item, identities }: BaseItem,
  walked: readonly WalkedEntry[],
  links: HardLinks<BytePath>,
  ways: Ways,
): boolean {
  if (walked.length !== item.entries.length) return false;
  const firstHere = new HardLinks<BytePath>();
  return item.entries.every((entry, index) => {
    const [identity, found] = [identities[index], walked[index]];
    if (identity === undefined || found === undefined || entry.unstable) return false;
    const place = ways.placeOf(found.path);
    const first = links.firstOf(found.stat) ?? firstHere.firstOf(found.stat);
    firstHere.add(found.stat, place);
    if (entry.type === 'hardlink' ? entry.link !== first : first !== undefined) return false;
    return stateAsIndexed(entry, identity) === stateAsWalked(place, found.stat, ways.deviceOf);
  });
}
