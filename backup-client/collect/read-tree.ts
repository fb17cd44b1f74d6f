import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync } from 'node:fs';
import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import type { BytePath } from '#common/archive/byte-path.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { largeFileBytes } from '#common/archive/member-boundaries.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import type { TarReader } from '#common/archive/tar-reader.ts';
import { type WalkedEntry, walkTree } from '#common/archive/walk-tree.ts';
import { BackupError } from '#common/errors.ts';
import type { TreeRequest } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';
import { type BaseItem, deviceOf, type Identity, identityOf, type PlannedStep, planReuse } from './reuse-plan.ts';
import { type Source, sourceAt } from './source.ts';
import { type ReadEntry, TarRun } from './tar-run.ts';

/** What has not changed since the last archive, to be copied from it; and the notes by which the next run can tell. */
export interface Reuse {
  /** The items of the last archive at a place, in path order. */
  itemsOf(place: BytePath): AsyncIterable<BaseItem>;
  /** Bytes of the last archive. */
  read(offset: number, length: number): Promise<Buffer>;
  /** For each entry that is in the new archive at that place, in path order, the state it was seen in. */
  record(place: BytePath, identities: readonly (Identity | undefined)[]): Promise<void>;
}

export interface TreeTools {
  /** The GNU tar to run. */
  readonly tar: string;
  readonly runner: Runner;
  readonly reuse?: Reuse | undefined;
  warn(message: string): void;
}

/**
 * Appends a source with all below it to the archive at `path`. Walks it, has GNU tar read it, and looks at every file
 * again after its bytes have passed: what changed meanwhile is read once more.
 */
export async function readTree(
  request: TreeRequest,
  path: BytePath,
  writer: ArchiveWriter,
  tools: TreeTools,
): Promise<void> {
  const source = sourceAt(request.source, path);
  const seenAtNs = BigInt(Date.now()) * 1_000_000n;
  const walk = walkTree(request.source, request);
  const device = deviceOf(request.fileSystemId);
  const ways = { placeOf: source.placeOf, deviceOf: device };
  const run = new TarRun(source, planReuse(walk, tools.reuse?.itemsOf(path) ?? nothing(), ways), tools);
  const vanished: string[] = [];
  const identities: (Identity | undefined)[] = [];
  for await (const read of run.entries()) {
    if (read.type === 'copy') {
      await writer.addCopied(read.item, (offset, length) => copied(tools, offset, length));
      for (const { stat } of read.walked) identities.push(identityOf(stat, seenAtNs, device));
      continue;
    }
    const added = read.type === 'vanished' ? 'nothing' : await add(source, read, run.reader, writer, tools);
    if (added === 'nothing') vanished.push(source.describe(read.walked.path));
    else identities.push(added === 'stable' ? identityOf(read.walked.stat, seenAtNs, device) : undefined);
  }
  if (vanished.length > 0) tellVanished(`vanished while being read: ${listOf(vanished)}`, request, tools);
  await tools.reuse?.record(path, identities);
}

function tellVanished(message: string, { vanished }: TreeRequest, tools: TreeTools): void {
  if (vanished === 'fail') {
    throw new BackupError(message, {
      hint: 'Stop what removes files there during the backup, exclude the path, or set vanished: warn.',
    });
  }
  tools.warn(message);
}

async function* nothing(): AsyncGenerator<BaseItem> {}

function copied({ reuse }: TreeTools, offset: number, length: number): Promise<Buffer> {
  if (reuse === undefined) throw new Error('something is to be copied from nowhere');
  return reuse.read(offset, length);
}

/** What was added of an entry: the state that was seen in the walk, a later one, or nothing since it is gone. */
type Added = 'stable' | 'changed' | 'nothing';

async function add(
  source: Source,
  read: Extract<ReadEntry, { type: 'entry' | 'unstored' }>,
  reader: TarReader,
  writer: ArchiveWriter,
  tools: TreeTools,
): Promise<Added> {
  if (read.type === 'entry') return addEntry(source, read.walked, read.tar, reader, writer, tools);
  writer.addUnstored(unstoredEntry(source.placeOf(read.walked.path), read.walked.stat));
  return 'stable';
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length <= 5 ? shown : `${shown} and ${names.length - 5} more`;
}

function unstoredEntry(path: BytePath, stat: BigIntStats): IndexEntry {
  const type = stat.isSocket() ? 'socket' : stat.isBlockDevice() ? 'block-device' : 'char-device';
  return {
    path,
    type,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeNs: stat.mtimeNs,
    size: 0,
    sha256: undefined,
    link: undefined,
    attributes: undefined,
    device: type === 'socket' ? undefined : deviceNumber(stat.rdev),
    linked: false,
    unstable: false,
  };
}

/** Linux's 64-bit dev_t (sysmacros.h) as `<major>:<minor>`. */
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

async function addEntry(
  source: Source,
  walked: WalkedEntry,
  tar: TarEntry,
  reader: TarReader,
  writer: ArchiveWriter,
  tools: TreeTools,
): Promise<Added> {
  if (isFolder(walked.stat) !== (tar.type === 'folder')) throw changedType(source, walked.path);
  if (tar.type !== 'file') {
    await writer.add(placed(source, walked.path, tar), [], {});
    return 'stable';
  }
  const isStill = () => isUnchanged(walked.stat, statOf(source, walked.path));
  if (await addFile(source, walked, tar, reader, writer, async () => (isStill() ? 'stable' : 'again'))) return 'stable';
  return (await readOnceMore(source, walked.path, writer, tools)) ? 'changed' : 'nothing';
}

type Verdict = 'stable' | 'unstable' | 'again';

/** Adds a file and asks for the verdict after its last byte; `again` takes it back and gives false. */
async function addFile(
  source: Source,
  walked: WalkedEntry,
  tar: TarEntry,
  reader: TarReader,
  writer: ArchiveWriter,
  verdictOf: () => Promise<Verdict>,
): Promise<boolean> {
  const entry = placed(source, walked.path, tar);
  const hash = createHash('sha256');
  const factsOf = (verdict: Verdict) => ({
    sha256: hash.digest('hex'),
    linked: walked.stat.nlink > 1n,
    unstable: verdict === 'unstable',
  });
  if (tar.storedSize >= largeFileBytes) {
    return writer.addLarge(entry, hashed(reader.content(), hash), async () => {
      const verdict = await verdictOf();
      return verdict === 'again' ? undefined : factsOf(verdict);
    });
  }
  const content: Buffer[] = [];
  for await (const part of hashed(reader.content(), hash)) content.push(part);
  const verdict = await verdictOf();
  if (verdict === 'again') return false;
  await writer.add(entry, content, factsOf(verdict));
  return true;
}

async function* hashed(
  content: AsyncIterable<Buffer>,
  hash: { update(part: Buffer): unknown },
): AsyncGenerator<Buffer> {
  for await (const part of content) {
    hash.update(part);
    yield part;
  }
}

/** The second reading of a file that changed. It stays in the archive, marked, if it changes again; it must not shrink. */
async function readOnceMore(source: Source, path: BytePath, writer: ArchiveWriter, tools: TreeTools): Promise<boolean> {
  const stat = statOf(source, path);
  if (stat === undefined) return false;
  const run = new TarRun(source, once({ type: 'read', walked: { path, stat } }), tools);
  for await (const read of run.entries()) {
    if (read.type !== 'entry') return false;
    if (read.tar.type !== 'file') throw changedType(source, path);
    const { size } = read.tar;
    await addFile(source, read.walked, read.tar, run.reader, writer, async () => {
      const now = statOf(source, path);
      if (now !== undefined && now.size < BigInt(size)) throw shrank(source, path);
      return isUnchanged(stat, now) ? 'stable' : 'unstable';
    });
    if (!isUnchanged(stat, statOf(source, path))) {
      tools.warn(`${source.describe(path)} kept changing while it was read; its copy may mix old and new content`);
    }
  }
  return true;
}

async function* once(step: PlannedStep): AsyncGenerator<PlannedStep> {
  yield step;
}

function placed(source: Source, path: BytePath, tar: TarEntry): TarEntry {
  const link = tar.type === 'hardlink' ? source.placeOfHeaderPath(tar.link ?? '') : tar.link;
  return { ...tar, path: source.placeOf(path), link };
}

function statOf(source: Source, path: BytePath): BigIntStats | undefined {
  return lstatSync(source.diskPathOf(path), { bigint: true, throwIfNoEntry: false });
}

function isFolder(stat: BigIntStats): boolean {
  return stat.isDirectory();
}

function isUnchanged(before: BigIntStats, now: BigIntStats | undefined): boolean {
  return (
    now !== undefined &&
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeNs === now.mtimeNs &&
    before.ctimeNs === now.ctimeNs
  );
}

function changedType(source: Source, path: BytePath): BackupError {
  return new BackupError(`${source.describe(path)} became another type of file while it was read`, {
    hint: 'Stop what writes there during the backup, or exclude the path.',
  });
}

function shrank(source: Source, path: BytePath): BackupError {
  return new BackupError(
    `${source.describe(path)} shrank while it was read, twice; the end of its copy would be zeros`,
    {
      hint: 'Stop what writes there during the backup, or exclude the path.',
    },
  );
}
