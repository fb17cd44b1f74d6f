import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync } from 'node:fs';
import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import type { BytePath } from '#common/archive/byte-path.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { largeFileBytes } from '#common/archive/member-boundaries.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import type { TarReader } from '#common/archive/tar-reader.ts';
import type { WalkedEntry } from '#common/archive/walk-tree.ts';
import { BackupError } from '#common/errors.ts';
import type { TreeRequest } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';
import { type Source, sourceAt } from './source.ts';
import { TarRun } from './tar-run.ts';

export interface TreeTools {
  /** The GNU tar to run. */
  readonly tar: string;
  readonly runner: Runner;
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
  const run = new TarRun(source, request, tools);
  const vanished: string[] = [];
  for await (const read of run.entries()) {
    if (read.type === 'vanished') vanished.push(source.describe(read.walked.path));
    else if (read.type === 'unstored')
      writer.addUnstored(unstoredEntry(source.placeOf(read.walked.path), read.walked.stat));
    else {
      const added = await addEntry(source, read.walked, read.tar, run.reader, writer, tools);
      if (!added) vanished.push(source.describe(read.walked.path));
    }
  }
  if (vanished.length > 0) tools.warn(`vanished while being read: ${listOf(vanished)}`);
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

/** False when the entry is gone by now and nothing of it was added. */
async function addEntry(
  source: Source,
  walked: WalkedEntry,
  tar: TarEntry,
  reader: TarReader,
  writer: ArchiveWriter,
  tools: TreeTools,
): Promise<boolean> {
  if (isFolder(walked.stat) !== (tar.type === 'folder')) throw changedType(source, walked.path);
  if (tar.type !== 'file') {
    await writer.add(placed(source, walked.path, tar), [], {});
    return true;
  }
  const isStill = () => isUnchanged(walked.stat, statOf(source, walked.path));
  if (await addFile(source, walked, tar, reader, writer, async () => (isStill() ? 'stable' : 'again'))) return true;
  return readOnceMore(source, walked.path, writer, tools);
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
  const run = new TarRun(source, { walk: [{ path, stat }] }, tools);
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
