import { createHash } from 'node:crypto';
import { type ArchiveIndex, readBlocks } from '#common/archive/archive-index.ts';
import { escapeBytes } from '#common/archive/byte-path.ts';
import { damaged, openMember } from '#common/archive/gzip-member.ts';
import type { PlacedItem } from '#common/archive/index-block.ts';
import { differenceOf, type IndexEntry, indexEntryOf, storedOf, whereIs } from '#common/archive/index-entry.ts';
import { mapAhead } from '#common/archive/map-ahead.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { TarReader } from '#common/archive/tar-reader.ts';
import { readDonor } from './file-content.ts';
import { readPieces } from './read-pieces.ts';
import { SpoiledTree } from './spoiled-tree.ts';
import type { Staging } from './staging.ts';
import { type MadeEntry, planStep, type Step } from './staging-plan.ts';
import type { TreeChanges } from './tree-changes.ts';

/** Members that are unpacked ahead, so that zlib's threads have work. */
const membersAhead = 8;

/** The unpacked pieces of the archive in the order of the steps. */
type Contents = AsyncIterator<Buffer>;

/**
 * Brings every changed file, link and FIFO into the staging folder: from the tree where it has the content, else from just
 * those members of the archive that hold it. Every member and every content is compared with its hash in the index. The
 * tree is not touched.
 */
export async function stageChanges(index: ArchiveIndex, changes: TreeChanges, staging: Staging): Promise<void> {
  const steps: Step[] = [];
  const where = `a member of ${index.source.name}`;
  const pieces = readPieces(index.source, piecesOf(stepsFor(index, changes, staging), steps));
  const contents = mapAhead(pieces, membersAhead, async ([piece, bytes]) =>
    'length' in piece ? openMember(bytes, piece, where) : bytes,
  );
  for (let first = await contents.next(); first.done !== true; first = await contents.next()) {
    const step = steps.shift();
    if (step === undefined) throw new Error('a member was fetched that nobody had asked for');
    await stageStep(index, step, startingWith(first.value, step.pieces.length - 1, contents), staging);
  }
  await staging.finish();
}

async function* stepsFor(index: ArchiveIndex, changes: TreeChanges, staging: Staging): AsyncGenerator<Step> {
  const blocks = index.blocks.filter(({ sha256 }) => changes.changedBlocks.has(sha256));
  blocks.sort((a, b) => a.membersOffset - b.membersOffset);
  for await (const { items } of readBlocks(index, blocks)) {
    for (const item of items) {
      const wanted = await wantedOf(item, changes, staging);
      if (wanted.length > 0) yield planStep(item, wanted, changes.donors);
    }
  }
}

/** Folders without attributes and hard links follow from the index alone, when the changes are applied. */
async function wantedOf(item: PlacedItem, changes: TreeChanges, staging: Staging): Promise<IndexEntry[]> {
  const wanted: IndexEntry[] = [];
  for (const entry of item.entries) {
    if (!changes.changed.has(entry.path) || entry.type === 'hardlink') continue;
    if (entry.type === 'folder' && entry.attributes === undefined) continue;
    const chunks = entry === item.entries.at(-1) ? item.chunks : [];
    if (!(await staging.has({ entry, chunks }, changes.donors))) wanted.push(entry);
  }
  return wanted;
}

/** The pieces one by one; the step they are for is in `steps` before the first of them is out. */
async function* piecesOf(planned: AsyncIterable<Step>, steps: Step[]): AsyncGenerator<Step['pieces'][number]> {
  for await (const step of planned) {
    steps.push(step);
    yield* step.pieces;
  }
}

async function* startingWith(first: Buffer, more: number, contents: Contents): AsyncGenerator<Buffer> {
  yield first;
  for (let count = 0; count < more; count += 1) {
    const next = await contents.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function stageStep(index: ArchiveIndex, step: Step, pieces: AsyncGenerator<Buffer>, staging: Staging) {
  if (step.read.length > 0) await stageRead(index, step, pieces, staging);
  for (const made of step.made) await stageMade(made, pieces, index.source.name, staging);
  while ((await pieces.next()).done !== true); // what nobody needed, such as the padding after a stream
}

/** Reads the entries out of the item's members and stages those that are wanted. */
async function stageRead(index: ArchiveIndex, step: Step, pieces: AsyncIterator<Buffer>, staging: Staging) {
  const reader = new TarReader(unclosed(pieces, step.readsChunks ? step.pieces.length : 1));
  const last = step.read.at(-1);
  for (const entry of storedOf(step.item.entries)) {
    const tar = await reader.next();
    const where = whereIs(entry.path, index.source.name);
    if (tar?.path !== entry.path) throw damaged(where, 'is not what the index has at this place');
    if (step.read.includes(entry)) await stageChecked(entry, tar, reader.content(), where, staging);
    if (entry === last) return;
  }
}

/** The first pieces, leaving the others to whoever comes next: a `for await` would end them all. */
async function* unclosed(pieces: AsyncIterator<Buffer>, count: number): AsyncGenerator<Buffer> {
  for (let taken = 0; taken < count; taken += 1) {
    const next = await pieces.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function stageMade({ entry, parts }: MadeEntry, pieces: AsyncIterator<Buffer>, name: string, staging: Staging) {
  const content = async function* (): AsyncGenerator<Buffer> {
    let missing = entry.size;
    for (const { member, donor } of parts) {
      const bytes =
        donor === undefined ? (await pieces.next()).value : await readDonor(donor, member.length, member.sha256);
      if (bytes === undefined) throw new SpoiledTree(`"${escapeBytes(entry.path)}" had not the content of its index`);
      yield bytes.subarray(0, missing);
      missing -= Math.min(missing, bytes.length);
    }
  };
  await stageChecked(entry, tarEntryOf(entry), content(), whereIs(entry.path, name), staging);
}

async function stageChecked(
  entry: IndexEntry,
  tar: TarEntry,
  content: AsyncIterable<Buffer>,
  where: string,
  staging: Staging,
): Promise<void> {
  const hash = createHash('sha256');
  const hashed = async function* () {
    for await (const part of content) {
      hash.update(part);
      yield part;
    }
  };
  await staging.add(tar, hashed());
  const found = indexEntryOf(tar, { sha256: entry.type === 'file' ? hash.digest('hex') : undefined });
  const difference = differenceOf(entry, found);
  if (difference !== undefined) throw damaged(where, `differs from the index: ${difference}`);
}

/** The header of an entry without attributes. */
export function tarEntryOf({ path, mode, uid, gid, mtimeNs, size, link, type }: IndexEntry): TarEntry {
  if (type === 'char-device' || type === 'block-device' || type === 'socket')
    throw new Error(`${type} is never stored`);
  return { path, type, mode, uid, gid, mtimeNs, size, storedSize: size, link, attributes: [] };
}
