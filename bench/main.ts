import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execaRunner } from '#common/process/execa-runner.ts';
import { startSshd, type TestSshd } from '#common/testing/sshd.ts';
import { type Fleet, startFleet } from '../tests/rig/fleet.ts';
import { changeData, type DataSize, makeData, sizes } from './data.ts';
import { goals } from './goals.ts';
import { good, type Measured, median, must, timed } from './measure.ts';

/**
 * Our whole cycle next to what else could be done, on the same data in the same run: medians and ratios. Absolute times say
 * little on shared machines; the ratios are what to look at, also where we lose.
 */
const { values: flags } = parseArgs({
  options: {
    size: { type: 'string', default: 'small' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const size = sizes[flags.size];
if (size === undefined) throw new Error(`--size must be one of ${Object.keys(sizes).join(', ')}`);
const runs = Number(flags.runs);
const say = (text: string): void => {
  if (!flags.json) console.log(text);
};

const runner = execaRunner();
const fleet = await startFleet();
const shell = await startSshd({ folder: join(fleet.folder, 'sshd-for-rsync'), anyProgram: true });
try {
  print(await compare(fleet, shell, size));
} finally {
  await shell.stop();
  await fleet.stop();
}

type Figures = Map<string, Measured>;

async function compare(fleet: Fleet, shell: TestSshd, size: DataSize): Promise<Figures> {
  const source = join(fleet.folder, 'source');
  const figures: Figures = new Map();
  say(`making ${size.files} files and a dump of ${Math.round(size.dumpBytes / 1024 ** 2)} MiB …`);
  await makeData(source, size);
  await fleet.writeService('bench', 'data', { files: { paths: [source] } });
  for (let run = 1; run <= runs; run += 1) {
    say(`round ${run} of ${runs}: first runs, then after two changes`);
    await firstRuns(fleet, shell, source, figures);
    for (const withDump of [false, true]) {
      await changeData(source, size, run * 2 + Number(withDump), withDump);
      await repeatedRuns(fleet, shell, source, figures, withDump ? '1 % and dump' : '1 %');
    }
  }
  return figures;
}

async function firstRuns(fleet: Fleet, shell: TestSshd, source: string, figures: Figures): Promise<void> {
  const file = join(fleet.folder, 'plain.tar.gz');
  for (const [name, pack] of [
    ['tar | gzip -6', 'gzip -6'],
    ['tar | pigz -6', 'pigz -6'],
    ['tar | pigz -4', 'pigz -4'],
  ] as const) {
    const seconds = await timed(() =>
      must(runner, { file: 'sh', args: ['-c', `tar -C "$1" -c . | ${pack} >"$2"`, 'sh', source, file] }),
    );
    add(figures, name, seconds, (await stat(file)).size);
    await rm(file);
  }
  await empty(fleet);
  const client = await timed(async () => good('local-backup', await fleet.localBackup('run')));
  add(figures, 'first: our archive', client, await archiveSize(fleet.drop));
  good('init', await fleet.backupServer('init'));
  const server = await timed(async () => good('backup-server', await fleet.backupServer('run')));
  add(figures, 'first: our server', server);
  add(figures, 'first: our cycle', client + server);
  const received = await timed(() => rsync(fleet, shell, source, figures, 'first'));
  const stored = await timed(() => restic(fleet, 'pulled', join(fleet.folder, 'pulled')));
  add(figures, 'first: rsync + restic', received + stored);
  add(figures, 'first: restic directly', await timed(() => restic(fleet, 'direct', source)));
}

async function repeatedRuns(
  fleet: Fleet,
  shell: TestSshd,
  source: string,
  figures: Figures,
  what: string,
): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000))); // archives are named by the second
  const client = await timed(async () => good('local-backup', await fleet.localBackup('run')));
  add(figures, `${what}: our archive`, client);
  const server = await timed(async () => good('backup-server', await fleet.backupServer('run')));
  add(figures, `${what}: our server`, server);
  add(figures, `${what}: our cycle`, client + server);
  const received = await timed(() => rsync(fleet, shell, source, figures, what));
  const stored = await timed(() => restic(fleet, 'pulled', join(fleet.folder, 'pulled')));
  add(figures, `${what}: rsync + restic`, received + stored);
  add(figures, `${what}: restic directly`, await timed(() => restic(fleet, 'direct', source)));
}

async function rsync(fleet: Fleet, shell: TestSshd, source: string, figures: Figures, what: string): Promise<void> {
  const ssh = `ssh -F /dev/null -i ${shell.keyFile} -p ${shell.port} -o UserKnownHostsFile=${shell.knownHostsFile} -o BatchMode=yes`;
  const args = [
    '-aHAX',
    '--numeric-ids',
    '--delete',
    '--stats',
    '-e',
    ssh,
    `${shell.user}@127.0.0.1:${source}/`,
    `${join(fleet.folder, 'pulled')}/`,
  ];
  const { stdout } = await must(runner, { file: 'rsync', args });
  const received = /Total bytes received: ([\d,]+)/.exec(stdout)?.[1]?.replaceAll(',', '');
  add(figures, `${what}: bytes rsync receives`, 0, Number(received));
}

async function restic(fleet: Fleet, name: string, folder: string): Promise<void> {
  const repository = join(fleet.repositories, name);
  const isNew = (await stat(repository).catch(() => undefined)) === undefined;
  if (isNew) good('restic init', await fleet.restic(name, 'init'));
  good('restic backup', await fleet.restic(name, 'backup', '--quiet', folder));
}

/** Everything as before the first run, ours and theirs. */
async function empty(fleet: Fleet): Promise<void> {
  for (const folder of [
    fleet.drop,
    fleet.work,
    fleet.repositories,
    join(fleet.folder, 'pulled'),
    join(fleet.folder, 'cache'),
  ]) {
    await rm(folder, { recursive: true, force: true });
  }
  await mkdir(fleet.repositories, { recursive: true });
}

async function archiveSize(drop: string): Promise<number> {
  const [name = ''] = (await readdir(drop)).filter((found) => found.endsWith('.tar.gz'));
  return (await stat(join(drop, name))).size;
}

function add(figures: Figures, name: string, seconds: number, bytes?: number): void {
  const before = figures.get(name);
  figures.set(name, { seconds: [...(before?.seconds ?? []), seconds], ...(bytes !== undefined && { bytes }) });
}

function print(figures: Figures): void {
  const seconds = (name: string): number => median(figures.get(name)?.seconds ?? []);
  const ratios = goals.map(([figure, against, mustBe, aim]) => ({
    figure,
    against,
    ratio: Number((seconds(figure) / seconds(against)).toFixed(2)),
    must: mustBe,
    aim,
  }));
  if (flags.json) {
    console.log(JSON.stringify(ratios, null, 2));
    return;
  }
  console.log(`\nmedians of ${runs}`);
  for (const [name, { bytes }] of figures) {
    const sizeText = bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB`.padStart(12);
    console.log(
      `  ${name.padEnd(36)}${seconds(name) === 0 ? ''.padStart(10) : `${seconds(name).toFixed(2)} s`.padStart(10)}${sizeText}`,
    );
  }
  console.log('\nratios: below 1 we are faster');
  for (const { figure, against, ratio, must: mustBe, aim } of ratios) {
    const verdict = ratio <= aim ? 'as aimed at' : ratio <= mustBe ? 'reached' : 'NOT REACHED';
    console.log(
      `  ${figure.padEnd(28)} / ${against.padEnd(30)} ${ratio.toFixed(2).padStart(6)}   must ${mustBe}, aim ${aim}: ${verdict}`,
    );
  }
}
