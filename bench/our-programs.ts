import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseByteSize } from '#common/config/byte-size.ts';
import type { RunReport } from '#common/run/report.ts';
import { type Fleet, startFleet } from '../tests/rig/fleet.ts';
import { type ProgramUse, run } from './measure.ts';

/** A client and a server that leave each archive where it is, so that it can be fetched twice. */
export async function benchFleet(): Promise<Fleet> {
  const fleet = await startFleet();
  await keepTree(fleet);
  return fleet;
}

export interface Archived extends ProgramUse {
  readonly archiveBytes: number;
}

/** `local-backup run`. The archive before it is removed: the next one builds on a copy of its own. */
export async function makeArchive(fleet: Fleet, watch = false): Promise<Archived> {
  await nextSecond();
  for (const name of await archivesIn(fleet)) await rm(join(fleet.drop, name));
  const use = await ourRun(fleet, 'local-backup', 'client', watch);
  const [name = ''] = await archivesIn(fleet);
  return { ...use, archiveBytes: (await stat(join(fleet.drop, name))).size };
}

export interface Stored extends ProgramUse {
  /** Of the stages from connecting to the finished tree. */
  readonly fetchSeconds: number;
  readonly fetchedBytes: number;
}

/** `backup-server run` with a tree that is kept. */
export async function storeArchive(fleet: Fleet, watch = false): Promise<Stored> {
  const use = await ourRun(fleet, 'backup-server', 'server', watch);
  const [part] = (JSON.parse(use.stdout) as RunReport).parts;
  const stages = part?.stages ?? [];
  const last = stages.findIndex(({ name }) => name === 'fetch and unpack');
  if (last === -1) throw new Error(`backup-server fetched nothing: ${use.stdout}`);
  const fetchSeconds = stages.slice(0, last + 1).reduce((sum, { durationMs }) => sum + durationMs / 1000, 0);
  return { ...use, fetchSeconds, fetchedBytes: parseByteSize(String(part?.facts.fetched)) ?? Number.NaN };
}

/** Another server that has the same archives with a tree that is discarded: its repository and state lie elsewhere. */
export async function storeWithoutTree(fleet: Fleet): Promise<ProgramUse> {
  await fleet.writeServerConfig({
    global: { local_temp_base_dir: join(fleet.folder, 'work-2'), state_dir: join(fleet.folder, 'server-state-2') },
    restic: { repository_root: join(fleet.folder, 'repositories-2') },
    defaults: { after_fetch: 'keep', tree: 'discard' },
  });
  try {
    if ((await stat(join(fleet.folder, 'repositories-2', 'web')).catch(() => undefined)) === undefined)
      await initRepository(fleet);
    return await ourRun(fleet, 'backup-server', 'server', false);
  } finally {
    await keepTree(fleet);
  }
}

export async function initRepository(fleet: Fleet): Promise<void> {
  await run(command(fleet, 'backup-server', ['init'], 'server'));
}

function keepTree(fleet: Fleet): Promise<void> {
  return fleet.writeServerConfig({ defaults: { after_fetch: 'keep' } });
}

function ourRun(fleet: Fleet, program: string, config: string, watch: boolean): Promise<ProgramUse> {
  return run(command(fleet, program, ['run', '--json'], config), watch);
}

function command(fleet: Fleet, program: string, args: readonly string[], config: string) {
  return { file: `dist/bin/${program}`, args: [...args, '--config-dir', join(fleet.folder, config)] };
}

async function archivesIn({ drop }: Fleet): Promise<string[]> {
  return (await readdir(drop).catch(() => [])).filter((name) => name.endsWith('.tar.gz'));
}

/** Archives are named by the second. */
function nextSecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
}
