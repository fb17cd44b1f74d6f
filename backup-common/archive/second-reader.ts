import { createHash } from 'node:crypto';
import { Parser, type ReadEntry } from 'tar';
import { type ArchiveIndex, entriesByPath } from './archive-index.ts';
import { indexPath } from './archive-writer.ts';
import { bytesOf } from './byte-path.ts';
import { damaged } from './gzip-member.ts';
import { isUnstored } from './index-entry.ts';

/**
 * Reads an archive with another tar reader than ours (npm's `tar`) and compares what it saw with the index: the number of
 * entries, and the sha256 of every plain file by its path. It reads names as UTF-8 and knows no sparse files, so those
 * are counted only. Memory grows with the number of files.
 */
export async function compareWithSecondReader(index: ArchiveIndex): Promise<void> {
  const { count, hashes } = await readAll(index);
  let entries = 0;
  for await (const entry of entriesByPath(index)) {
    if (isUnstored(entry)) continue;
    entries += 1;
    const name = bytesOf(entry.path).toString('utf8');
    const sha256 = hashes.get(name);
    const isPlain = entry.type === 'file' && !name.includes('\ufffd') && entry.attributes === undefined;
    if (isPlain && sha256 !== entry.sha256)
      throw damaged(`"${name}" in ${index.source.name}`, 'is another one for a second tar reader');
  }
  if (count !== entries)
    throw damaged(index.source.name, `has ${count} entries for a second tar reader, ${entries} for us`);
}

/** Every entry's path with the hash of its content. */
async function readAll(
  index: ArchiveIndex,
): Promise<{ readonly count: number; readonly hashes: ReadonlyMap<string, string> }> {
  const hashes = new Map<string, string>();
  let count = 0;
  const parser = new Parser({ strict: true });
  parser.on('entry', (entry: ReadEntry) => {
    const hash = createHash('sha256');
    const name = entry.path.replace(/\/$/, '');
    entry.on('data', (part: Buffer) => hash.update(part));
    entry.on('end', () => {
      if (name === indexPath) return;
      count += 1;
      hashes.set(name, hash.digest('hex'));
    });
  });
  const ended = new Promise<void>((resolve, reject) => {
    parser.on('end', () => resolve());
    parser.on('error', reject);
  });
  ended.catch(() => undefined); // seen below
  for await (const part of index.source.stream()) {
    if (!parser.write(part)) await new Promise<void>((resolve) => parser.once('drain', () => resolve()));
  }
  parser.end();
  await ended;
  return { count, hashes };
}
