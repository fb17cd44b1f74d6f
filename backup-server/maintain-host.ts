import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '#common/atomic-file.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { BackupError, hasCode, kindOf } from '#common/errors.ts';
import type { Log } from '#common/log.ts';
import { type PartResult, partReport } from '#common/run/part-report.ts';
import type { PartReport } from '#common/run/report.ts';
import type { Stages } from '#common/run/stages.ts';
import type { HostConfig, MaintenanceConfig } from './config.ts';
import {
  advanced,
  nextRotation,
  parseRotation,
  type Rotation,
  readDataArguments,
} from './restic/read-data-rotation.ts';
import type { Restic } from './restic/restic.ts';
import type { Snapshot } from './restic/restic-output.ts';
import { forgettable } from './restic/retention.ts';

export interface MaintenanceTools {
  readonly log: Log;
  readonly now: () => Date;
  /** Rejects when the run is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly openRestic: (host: HostConfig) => Promise<Restic>;
  readonly stateDir: string;
  /** How long to wait for a repository that another restic has locked. */
  readonly retryLockMs: number;
  readonly dryRun: boolean;
}

/**
 * The upkeep of one host's repository: stale locks go, then the snapshots that the policy lets go and no service needs,
 * then the data that nothing refers to any more; and what is left is checked.
 */
export async function maintainHost(
  host: HostConfig,
  config: MaintenanceConfig,
  tools: MaintenanceTools,
): Promise<PartReport> {
  const log = tools.log.child({ host: host.name });
  return partReport(host.name, { ...tools, log }, async (stages) => {
    const restic = await tools.openRestic(host);
    const snapshots = await stages.run('look', () => restic.snapshots());
    if (snapshots.length === 0) stages.warn('the repository holds no snapshot of this host');
    const going = await stages.run('plan', async () => forgettable(snapshots, await restic.planForget(host.keep)));
    for (const { shortId, time } of going)
      log.info(
        { snapshot: shortId, time: time.toISOString() },
        tools.dryRun ? 'would be forgotten' : 'to be forgotten',
      );
    if (!tools.dryRun) await change(restic, going, config, stages, tools);
    const checked = tools.dryRun || !config.check ? undefined : await check(host, restic, config, stages, tools);
    return result(snapshots, going, checked, config.showStats ? await restic.rawSize() : undefined);
  });
}

async function change(
  restic: Restic,
  going: readonly Snapshot[],
  config: MaintenanceConfig,
  stages: Stages,
  tools: MaintenanceTools,
): Promise<void> {
  await stages.run('unlock', () => restic.unlock());
  if (going.length > 0) await stages.run('forget', () => whenFree(tools, () => forget(restic, going)));
  if (config.prune) await stages.run('prune', () => whenFree(tools, () => restic.prune()));
}

/** restic may exit with 0 although a server refused to delete: only another look tells. */
async function forget(restic: Restic, going: readonly Snapshot[]): Promise<void> {
  await restic.forget(going.map(({ id }) => id));
  const left = new Set((await restic.snapshots()).map(({ id }) => id));
  const kept = going.filter(({ id }) => left.has(id));
  if (kept.length === 0) return;
  throw new BackupError(`${kept.length} snapshots are still there after restic forgot them`, {
    hint: 'The storage does not let this account delete (append-only?). Run maintenance with an account that may.',
  });
}

const lockPauseMs = 60_000;

/** Tries again while another restic holds the lock; newer ones wait by themselves, older ones cannot. */
async function whenFree<T>(tools: MaintenanceTools, fn: () => Promise<T>): Promise<T> {
  const waitUntil = tools.now().getTime() + tools.retryLockMs;
  for (;;) {
    try {
      return await fn();
    } catch (error) {
      const leftMs = waitUntil - tools.now().getTime();
      if (kindOf(error) !== 'locked' || leftMs <= 0) throw error;
      await tools.sleep(Math.min(lockPauseMs, leftMs));
    }
  }
}

/** Checks the repository; of a rotation, the part is counted as read only after a check without errors. */
async function check(
  host: HostConfig,
  restic: Restic,
  config: MaintenanceConfig,
  stages: Stages,
  tools: MaintenanceTools,
): Promise<string> {
  const plan = config.readData;
  const file = join(tools.stateDir, 'maintenance', `${host.name}.json`);
  const turn =
    plan.type === 'rotate' ? nextRotation(plan.withinDays, await readRotation(file), tools.now()) : undefined;
  const part = turn === undefined ? '' : `${turn.part}/${turn.parts}`;
  await stages.run('check', () =>
    whenFree(tools, () => restic.check([...readDataArguments(plan, part), ...config.checkOptions])),
  );
  if (turn !== undefined) {
    await mkdir(join(tools.stateDir, 'maintenance'), { recursive: true, mode: 0o700 });
    await writeFileAtomically(file, JSON.stringify(advanced(turn, tools.now())));
  }
  if (plan.type === 'rotate') return `part ${part} of the data read`;
  return plan.type === 'none'
    ? 'structure only'
    : plan.type === 'all'
      ? 'all data read'
      : `${plan.subset} of the data read`;
}

async function readRotation(file: string): Promise<Rotation | undefined> {
  try {
    return parseRotation(await readFile(file, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function result(
  snapshots: readonly Snapshot[],
  going: readonly Snapshot[],
  checked: string | undefined,
  size: number | undefined,
): PartResult {
  return {
    facts: {
      snapshots: snapshots.length - going.length,
      forgotten: going.length,
      ...(checked !== undefined && { checked }),
      ...(size !== undefined && { size: formatByteSize(size) }),
    },
  };
}
