import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceFacts } from '#common/archive/archive-facts.ts';
import { formatIndexEntry, type IndexEntry, parseIndexEntry } from '#common/archive/index-entry.ts';

/** Lies at the root of every tree and so in every snapshot: what the archive said beyond its files. */
export const noteName = 'backup-archive.json';

export interface ArchiveNote {
  readonly host: string;
  readonly archive: string;
  readonly createdAt: string;
  readonly services: readonly ServiceFacts[];
  /** Devices and sockets, which are recorded and made again by restore. */
  readonly unstored: readonly IndexEntry[];
}

export async function writeNote(folder: string, note: ArchiveNote): Promise<void> {
  const unstored = note.unstored.map((entry) => JSON.parse(formatIndexEntry(entry)) as unknown);
  await writeFile(join(folder, noteName), `${JSON.stringify({ ...note, unstored }, null, 2)}\n`, { mode: 0o600 });
}

export function parseNote(text: string): ArchiveNote {
  const value = JSON.parse(text) as Omit<ArchiveNote, 'unstored'> & {
    readonly unstored: Readonly<Record<string, unknown>>[];
  };
  return { ...value, unstored: value.unstored.map(parseIndexEntry) };
}
