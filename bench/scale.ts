import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from './figures.ts';
import { run } from './measure.ts';
import { benchFleet, initRepository, makeArchive, storeArchive } from './our-programs.ts';

const filesPerFolder = 200;

export interface ScaleBench {
  /** The smaller and the larger number of files. */
  readonly counts: readonly [number, number];
  readonly runs: number;
  readonly figures: Figures;
  say(text: string): void;
}

/** Memory, and time per file, with few and with many small files: first runs, and runs in which nothing changed. */
export async function compareScale({ counts, runs, figures, say }: ScaleBench): Promise<void> {
  for (const count of counts) {
    const isLarge = count === counts[1];
    for (let round = 1; round <= (isLarge ? 1 : runs); round += 1) {
      say(`${count} files${isLarge ? '' : `, ${round} of ${runs}`} …`);
      await measure(count, isLarge ? 'many files' : 'few files', figures);
    }
  }
}

async function measure(count: number, what: string, figures: Figures): Promise<void> {
  const fleet = await benchFleet();
  try {
    const source = join(fleet.folder, 'source');
    makeSmallFiles(source, count);
    await fleet.writeService('bench', 'data', { files: { paths: [source] } });
    await initRepository(fleet);
    const perFile = (name: string, seconds: number) => figures.add(`${what}: ${name}`, (seconds * 1e6) / count, 'µs');
    const client = [];
    const server = [];
    for (const when of ['first', 'unchanged']) {
      const archive = await makeArchive(fleet, true);
      perFile(`${when} archive`, archive.seconds);
      client.push(archive.peakBytes);
      const stored = await storeArchive(fleet, true);
      perFile(`${when} fetch and tree`, stored.fetchSeconds);
      server.push(stored.peakBytes);
    }
    figures.add(`${what}: memory of the client`, Math.max(...client), 'bytes');
    figures.add(`${what}: memory of the server`, Math.max(...server), 'bytes');
  } finally {
    await run({ file: 'rm', args: ['-rf', join(fleet.folder, 'source'), fleet.work, fleet.repositories] });
    await fleet.stop();
  }
}

/** 100 to 299 bytes each, in folders of 200. */
function makeSmallFiles(folder: string, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const parent = join(folder, `folder-${Math.floor(index / filesPerFolder)}`);
    if (index % filesPerFolder === 0) mkdirSync(parent, { recursive: true });
    const path = join(parent, `file-${index}`);
    writeFileSync(path, `file ${index} ${'x'.repeat(100 + (index % 200))}\n`);
    utimesSync(path, 1_700_000_000 + index, 1_700_000_000 + index);
  }
}
