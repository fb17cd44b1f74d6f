import { createHash } from 'node:crypto';
import { type BytePath, comparePaths } from '#common/archive/byte-path.ts';
import { isUnstored } from '#common/archive/checked-entries.ts';
import type { IndexItem, PlacedMember } from '#common/archive/index-block.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import type { WalkedEntry } from '#common/archive/walk-tree.ts';

/** What tells one state of a file from another beyond what the index has of it. */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly ctimeNs: bigint;
}

/** The number of the file system an entry lies on, the same from run to run. */
export type DeviceOf = (stat: WalkedEntry['stat']) => bigint;

/** The kernel's number, unless the source names its file system itself. */
export function deviceOf(fileSystemId: string | undefined): DeviceOf {
  if (fileSystemId === undefined) return ({ dev }) => dev;
  const named = createHash('sha256').update(fileSystemId).digest().readBigUInt64BE();
  return () => named;
}

/** An item of the base archive, with the identity that each of its entries had; none for one that must be read again. */
export interface BaseItem {
  readonly item: IndexItem<PlacedMember>;
  readonly identities: readonly (Identity | undefined)[];
}

/** What to do next with a walk: read an entry, or copy the members of an item whose entries are all as they were. */
export type PlannedStep =
  | { readonly type: 'read'; readonly walked: WalkedEntry }
  | { readonly type: 'copy'; readonly item: IndexItem<PlacedMember>; readonly walked: readonly WalkedEntry[] };

/**
 * Goes through a walk and the items of the base archive for the same source, both in path order. An item is copied when
 * the walk has just its entries in a row, and each of them is the same file in the same state. Memory: one item.
 */
export async function* planReuse(
  walk: Iterable<WalkedEntry>,
  base: AsyncIterable<BaseItem>,
  { placeOf, deviceOf }: { placeOf(path: BytePath): BytePath; deviceOf: DeviceOf },
): AsyncGenerator<PlannedStep> {
  const entries = walk[Symbol.iterator]();
  let next = entries.next();
  for await (const { item, identities } of base) {
    const [start] = item.entries;
    while (next.done !== true && start !== undefined && comparePaths(placeOf(next.value.path), start.path) < 0) {
      yield { type: 'read', walked: next.value };
      next = entries.next();
    }
    const same: WalkedEntry[] = [];
    for (const [index, entry] of item.entries.entries()) {
      if (next.done === true || placeOf(next.value.path) !== entry.path) break;
      if (!isSameState(entry, identities[index], next.value, deviceOf)) break;
      same.push(next.value);
      next = entries.next();
    }
    if (same.length === item.entries.length) yield { type: 'copy', item, walked: same };
    else for (const walked of same) yield { type: 'read', walked };
  }
  for (; next.done !== true; next = entries.next()) yield { type: 'read', walked: next.value };
}

/**
 * Whether an entry need not be read again. Files with several names always are: all names of a file must come from one
 * reading to stay one file.
 */
function isSameState(
  entry: IndexEntry,
  identity: Identity | undefined,
  { stat }: WalkedEntry,
  deviceOf: DeviceOf,
): boolean {
  if (identity === undefined || entry.unstable || entry.linked || entry.type === 'hardlink') return false;
  if (!stat.isDirectory() && stat.nlink > 1n) return false;
  const isSameInode = identity.dev === deviceOf(stat) && identity.ino === stat.ino && identity.ctimeNs === stat.ctimeNs;
  const isSameOwner = BigInt(entry.uid) === stat.uid && BigInt(entry.gid) === stat.gid;
  const hasSameSize = entry.type !== 'file' || BigInt(entry.size) === stat.size;
  const hasSameTimes = entry.mtimeNs === stat.mtimeNs;
  const hasSameMode = entry.type === 'symlink' || BigInt(entry.mode) === (stat.mode & 0o7777n);
  return isSameInode && isSameOwner && hasSameSize && hasSameTimes && hasSameMode && isSameType(entry, stat);
}

function isSameType({ type }: IndexEntry, stat: WalkedEntry['stat']): boolean {
  if (type === 'file') return stat.isFile();
  if (type === 'folder') return stat.isDirectory();
  if (type === 'symlink') return stat.isSymbolicLink();
  if (type === 'fifo') return stat.isFIFO();
  return isUnstored({ type }) && (stat.isSocket() || stat.isBlockDevice() || stat.isCharacterDevice());
}

/** A change within the granularity of a file system's clock would not be seen: such a young state is not trusted. */
const untrustedNs = 2_000_000_000n;

/** The identity of a state that was seen at a moment; undefined when it is too young to be told from a later one. */
export function identityOf(stat: WalkedEntry['stat'], seenAtNs: bigint, deviceOf: DeviceOf): Identity | undefined {
  const { ino, ctimeNs } = stat;
  return ctimeNs + untrustedNs < seenAtNs ? { dev: deviceOf(stat), ino, ctimeNs } : undefined;
}

export function formatIdentity(identity: Identity | undefined): string {
  return identity === undefined ? '-' : `${identity.dev} ${identity.ino} ${identity.ctimeNs}`;
}

export function parseIdentity(line: string): Identity | undefined {
  const match = /^(\d+) (\d+) (-?\d+)$/.exec(line);
  if (match === null) return undefined;
  const [dev = 0n, ino = 0n, ctimeNs = 0n] = match.slice(1).map(BigInt);
  return { dev, ino, ctimeNs };
}
