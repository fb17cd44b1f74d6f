import { createHash } from 'node:crypto';
import { type BytePath, parentOf } from '#common/archive/byte-path.ts';
import type { ArchiveEntry } from '#common/archive/checked-entries.ts';
import { unsortedEntryRules } from '#common/archive/entry-rules.ts';
import { gunzipped } from '#common/archive/gzip-member.ts';
import { indexEntryOf } from '#common/archive/index-entry.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { TarReader } from '#common/archive/tar-reader.ts';

/**
 * The entries of any other `.tar.gz`, such as the original scripts make, each checked before it is given out. Folders
 * that the archive only implies are made up. There is no index to compare with: what the tar stream says is all there is.
 */
export async function* foreignEntries(source: RangeSource): AsyncGenerator<ArchiveEntry> {
  const reader = new TarReader(gunzipped(source.stream(), source.name));
  const rules = unsortedEntryRules();
  const folders = new Set<BytePath>();
  for (let tar = await reader.next(); tar !== undefined; tar = await reader.next()) {
    if (tar.path === '') continue;
    rules.check(tar);
    for (const folder of missingFolders(tar, folders)) yield entryWith(folder, noContent);
    if (tar.type === 'folder') folders.add(tar.path);
    yield entryWith(tar, () => reader.content());
  }
}

const noContent = async function* (): AsyncGenerator<Buffer> {};

function entryWith(tar: TarEntry, content: () => AsyncIterable<Buffer>): ArchiveEntry {
  return { entry: indexEntryOf(tar), tar, content };
}

function missingFolders(tar: TarEntry, folders: Set<BytePath>): TarEntry[] {
  const missing: TarEntry[] = [];
  for (let path = parentOf(tar.path); path !== undefined && !folders.has(path); path = parentOf(path)) {
    folders.add(path);
    missing.unshift({
      ...tar,
      path,
      type: 'folder',
      mode: 0o755,
      size: 0,
      storedSize: 0,
      link: undefined,
      attributes: [],
    });
  }
  return missing;
}

/** Hashes a file's content on its way, for an archive that brings no hashes. */
export async function* hashedContent(
  content: AsyncIterable<Buffer>,
  onEnd: (sha256: string) => void,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const part of content) {
    hash.update(part);
    yield part;
  }
  onEnd(hash.digest('hex'));
}
