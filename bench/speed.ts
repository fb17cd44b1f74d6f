import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestSshd } from '#common/testing/sshd.ts';
import type { Fleet } from '../tests/rig/fleet.ts';
import { changeData, type DataSize, makeData } from './data.ts';
import type { Figures } from './figures.ts';
import { pack, pull, store } from './other-programs.ts';
import { initRepository, makeArchive, storeArchive, storeWithoutTree } from './our-programs.ts';

export interface SpeedBench {
  readonly fleet: Fleet;
  /** A shell for rsync and restic, with the same sshd as ours. */
  readonly shell: TestSshd;
  readonly size: DataSize;
  readonly runs: number;
  readonly figures: Figures;
  say(text: string): void;
}

interface Round extends SpeedBench {
  readonly source: string;
  readonly pigzLevels: readonly number[];
}

/** Our whole job next to what else could be done, each on the same data and one after the other. */
export async function compareSpeed(bench: SpeedBench): Promise<void> {
  const { fleet, size, runs, say } = bench;
  const source = join(fleet.folder, 'source');
  say(`making ${size.files} files and a dump of ${Math.round(size.dumpBytes / 1024 ** 2)} MiB …`);
  await makeData(source, size);
  await settle();
  await fleet.writeService('bench', 'data', { files: { paths: [source] } });
  let pigzLevels: readonly number[] = [1, 2, 3, 4, 5, 6];
  for (let run = 1; run <= runs; run += 1) {
    const round = { ...bench, source, pigzLevels };
    say(`round ${run} of ${runs}: first runs`);
    const level = await firstRuns(round);
    pigzLevels = pigzLevels.filter((other) => Math.abs(other - level) <= 1);
    for (const withDump of [false, true]) {
      const what = withDump ? '1 % and dump' : '1 %';
      say(`round ${run} of ${runs}: after ${what} changed`);
      await changeData(source, size, run * 2 + Number(withDump), withDump);
      await settle();
      await repeatedRuns(round, what);
    }
    await unchangedRuns(round);
  }
}

/** Tells the level of the pigz that was compared with. */
async function firstRuns({ fleet, shell, source, figures, pigzLevels }: Round): Promise<number> {
  await empty(fleet);
  const archive = await makeArchive(fleet);
  figures.add('first: our archive', archive.seconds);
  figures.add('first: size of our archive', archive.archiveBytes, 'bytes');
  const gzip = await pack(fleet, source, 'gzip');
  figures.add('first: tar czf', gzip.seconds);
  figures.add('first: size of tar czf', gzip.bytes, 'bytes');
  const level = await fastestPigz(fleet, source, figures, pigzLevels, archive.archiveBytes);
  await initRepository(fleet);
  const stored = await storeArchive(fleet);
  figures.add('first: our server', stored.seconds);
  figures.add('first: our cycle', archive.seconds + stored.seconds);
  await storeWithoutTree(fleet);
  const pulled = await pull(shell, source, join(fleet.folder, 'pulled'));
  figures.add(
    'first: rsync + restic',
    pulled.seconds + (await store(fleet, { name: 'pulled' }, join(fleet.folder, 'pulled'))),
  );
  figures.add('first: restic', await store(fleet, { name: 'local' }, source));
  await store(fleet, { name: 'over-sftp', over: shell }, source);
  return level;
}

/** Of those whose archive is at most 3 % larger than ours. */
async function fastestPigz(
  fleet: Fleet,
  source: string,
  figures: Figures,
  levels: readonly number[],
  ourBytes: number,
): Promise<number> {
  const packed = [];
  for (const level of levels) packed.push({ level, ...(await pack(fleet, source, `pigz -${level}`)) });
  const [fastest] = packed.filter(({ bytes }) => bytes <= ourBytes * 1.03).sort((a, b) => a.seconds - b.seconds);
  if (fastest === undefined) throw new Error(`pigz -${levels.at(-1)} packs 3 % worse than we do`);
  figures.add('first: tar | fastest pigz of our size', fastest.seconds);
  figures.add(`first: size with pigz -${fastest.level}`, fastest.bytes, 'bytes');
  return fastest.level;
}

async function repeatedRuns({ fleet, shell, source, figures }: Round, what: string): Promise<void> {
  const add = (name: string, value: number, unit?: 'bytes') => figures.add(`${what}: ${name}`, value, unit);
  const archive = await makeArchive(fleet);
  add('our archive', archive.seconds);
  const stored = await storeArchive(fleet);
  add('our fetch and tree', stored.fetchSeconds);
  add('our server', stored.seconds);
  add('our cycle', archive.seconds + stored.seconds);
  add('bytes we fetch', stored.fetchedBytes, 'bytes');
  add('our cycle without a tree', archive.seconds + (await storeWithoutTree(fleet)).seconds);
  const pulled = await pull(shell, source, join(fleet.folder, 'pulled'));
  add('rsync', pulled.seconds);
  add('bytes rsync receives', pulled.received, 'bytes');
  add('rsync + restic', pulled.seconds + (await store(fleet, { name: 'pulled' }, join(fleet.folder, 'pulled'))));
  add('restic', await store(fleet, { name: 'local' }, source));
  add('restic over SFTP', await store(fleet, { name: 'over-sftp', over: shell }, source));
  const anew = join(fleet.folder, 'pulled-anew');
  const whole = await pull(shell, source, anew);
  add('rsync into an empty folder + restic', whole.seconds + (await store(fleet, { name: 'pulled-anew' }, anew)));
  await rm(anew, { recursive: true });
}

async function unchangedRuns({ fleet, figures }: Round): Promise<void> {
  const archive = await makeArchive(fleet);
  figures.add('unchanged: our archive', archive.seconds);
  figures.add('unchanged: size of our archive', archive.archiveBytes, 'bytes');
  figures.add('unchanged: bytes our client reads and writes', archive.transferredBytes, 'bytes');
  figures.add('unchanged: our server', (await storeArchive(fleet)).seconds);
}

/** What changed within two seconds before a run is read again in the next one: a backup at night has none of that. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2100));
}

/** Everything as before the first run, ours and theirs. */
async function empty(fleet: Fleet): Promise<void> {
  const names = ['pulled', 'cache', 'work-2', 'repositories-2', 'server-state', 'server-state-2', 'client-state'];
  for (const folder of [fleet.drop, fleet.work, fleet.repositories, ...names.map((name) => join(fleet.folder, name))])
    await rm(folder, { recursive: true, force: true });
  await mkdir(fleet.repositories, { recursive: true });
}
