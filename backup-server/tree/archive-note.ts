import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceFacts } from '#common/archive/archive-facts.ts';
import { formatIndexEntry, type IndexEntry, parseIndexEntry } from '#common/archive/index-entry.ts';

/** Lies at the root of every tree and so in every snapshot: what the archive said beyond its files. */
export const noteName = 'backup-archive.json';

/** No times: those are the snapshot's, and with them the note would be another one after every run. */
export interface ArchiveNote {
  readonly host: string;
  readonly services: readonly NotedService[];
  /** Devices and sockets, which are recorded and made again by restore. */
  readonly unstored: readonly IndexEntry[];
}

export type NotedService = Pick<ServiceFacts, 'type' | 'name' | 'outcome' | 'failure' | 'sources'>;

export function notedService({ type, name, outcome, failure, sources }: ServiceFacts): NotedService {
  return { type, name, outcome, ...(failure !== undefined && { failure }), sources };
}

/** Writes it where it is not there just so, and tells its size: what has not changed, restic need not read. */
export async function writeNote(folder: string, note: ArchiveNote): Promise<number> {
  const unstored = note.unstored.map((entry) => JSON.parse(formatIndexEntry(entry)) as unknown);
  const text = `${JSON.stringify({ ...note, unstored }, null, 2)}\n`;
  const path = join(folder, noteName);
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before !== text) await writeFile(path, text, { mode: 0o600 });
  return Buffer.byteLength(text);
}

export function parseNote(text: string): ArchiveNote {
  const value = JSON.parse(text) as Omit<ArchiveNote, 'unstored'> & {
    readonly unstored: Readonly<Record<string, unknown>>[];
  };
  return { ...value, unstored: value.unstored.map(parseIndexEntry) };
}
