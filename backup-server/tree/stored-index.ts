import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { formatIndexEntry, type IndexEntry, parseIndexEntry } from '#common/archive/index-entry.ts';
import { hasCode } from '#common/errors.ts';

/** Keeps the entries of what was stored last, one JSON line each, gzipped. */
export async function saveStoredIndex(path: string, entries: AsyncIterable<IndexEntry>): Promise<void> {
  const lines = async function* () {
    for await (const entry of entries) yield `${formatIndexEntry(entry)}\n`;
  };
  await pipeline(Readable.from(lines()), createGzip({ level: 1 }), createWriteStream(path, { mode: 0o600 }));
}

/** The entries in path order; undefined when there is no such file. A damaged one throws. */
export async function readStoredIndex(path: string): Promise<AsyncIterable<IndexEntry> | undefined> {
  const file = createReadStream(path);
  try {
    await new Promise((resolve, reject) => file.once('open', resolve).once('error', reject));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return parsed(createInterface({ input: file.pipe(createGunzip()), crlfDelay: Number.POSITIVE_INFINITY }));
}

async function* parsed(lines: AsyncIterable<string>): AsyncGenerator<IndexEntry> {
  for await (const line of lines) yield parseIndexEntry(JSON.parse(line) as Record<string, unknown>);
}
