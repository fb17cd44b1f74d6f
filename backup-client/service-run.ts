import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import type { BytePath } from '#common/archive/byte-path.ts';
import { BackupError } from '#common/errors.ts';
import { freeSpace } from '#common/free-space.ts';
import type { CollectorContext } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';
import type { PartResult } from '#common/run/part-report.ts';
import type { Stages } from '#common/run/stages.ts';
import { withWorkFolder } from '#common/work-folder.ts';
import type { Reuse } from './collect/read-tree.ts';
import { ServiceArchiveWriter } from './collect/service-archive.ts';
import { collectorOf, type Service, type Task } from './discover.ts';
import type { InterventionLog } from './intervention-log.ts';
import { collectService } from './service-lifecycle.ts';
import { type RecoveryTools, recoveryContext } from './undo.ts';

export interface ServiceTools extends RecoveryTools {
  readonly signal: AbortSignal;
  readonly runner: Runner;
  readonly interventions: InterventionLog;
  /** Where tasks have the folders that stay from run to run. */
  readonly keptFolder: string;
  readonly reuse?: Reuse | undefined;
  /** Where the tasks' work folders are made: root's staging folder. */
  readonly staging: string;
  readonly minFreeSpaceBytes: number;
  readonly dryRun: boolean;
}

/** The archive that all services append to. */
export interface OpenArchive {
  readonly writer: ArchiveWriter;
  /** Folders that are in it by now. */
  readonly folders: Set<BytePath>;
}

/** What a service leaves for the archive's facts. */
export interface ServiceTrace {
  readonly sources: ServiceArchiveWriter['sources'];
  readonly downtimeMs?: number;
}

/**
 * One service: every task is checked before anything is touched, then all are collected. When one fails, all that the
 * service had appended is cut off again.
 */
export async function runService(
  service: Service,
  archive: OpenArchive,
  stages: Stages,
  tools: ServiceTools,
  traces: Map<Service, ServiceTrace>,
): Promise<PartResult> {
  return withContexts(service, stages, tools, async (contextOf) => {
    const skip = await stages.run('check', () => checkTasks(service, contextOf));
    if (skip !== undefined) return { skip };
    if (tools.dryRun) return {};
    const mark = await archive.writer.mark();
    const foldersBefore = new Set(archive.folders);
    try {
      traces.set(service, await collect(service, contextOf, archive, stages, tools));
      return {};
    } catch (error) {
      await archive.writer.cutBackTo(mark);
      archive.folders.clear();
      for (const folder of foldersBefore) archive.folders.add(folder);
      throw error;
    }
  });
}

type ContextOf = (task: Task) => CollectorContext;

async function checkTasks({ tasks }: Service, contextOf: ContextOf): Promise<PartResult['skip']> {
  for (const task of tasks) await collectorOf(task).check?.(task.options, contextOf(task));
  for (const task of tasks) {
    const reason = await collectorOf(task).skip?.(task.options, contextOf(task));
    if (reason !== undefined) return { kind: 'not-now', reason: `${task.key}: ${reason}` };
  }
  return undefined;
}

async function collect(
  service: Service,
  contextOf: ContextOf,
  { writer, folders }: OpenArchive,
  stages: Stages,
  tools: ServiceTools,
): Promise<ServiceTrace> {
  const warn = (message: string): void => stages.warn(message);
  const own = new ServiceArchiveWriter(`${service.type}/${service.name}`, writer, folders, {
    ...tools,
    tar: tools.commands.tar,
    warn,
  });
  await own.addRoot();
  await own.addTree({ source: service.file, as: 'config_used/service.yaml' });
  let downtimeMs: number | undefined;
  await collectService(service, own, {
    stages,
    now: tools.now,
    interventions: tools.interventions,
    contextOf,
    recoveryContextOf: (task, timeoutMs) => recoveryContext(service, task.key, timeoutMs, { ...tools, warn }),
    onDowntime: (ms) => {
      downtimeMs = ms;
      noteDowntime(service, ms, stages);
    },
    afterTask: () => requireFreeSpace(tools),
  });
  return { sources: own.sources, ...(downtimeMs !== undefined && { downtimeMs }) };
}

function noteDowntime({ maxDowntimeMs }: Service, downtimeMs: number, stages: Stages): void {
  stages.facts.downtime = formatSeconds(downtimeMs);
  if (maxDowntimeMs === undefined || downtimeMs <= maxDowntimeMs) return;
  stages.warn(`it was stopped for ${formatSeconds(downtimeMs)}, max_downtime is ${formatSeconds(maxDowntimeMs)}`);
}

function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A context for each task, with a work folder of its own below `workFolder`. */
export function taskContexts(
  service: Service,
  workFolder: string,
  tools: Pick<ServiceTools, 'log' | 'runner' | 'signal' | 'now' | 'commands' | 'keptFolder'>,
  warn: (message: string) => void,
): ContextOf {
  return ({ key }) => ({
    service: { type: service.type, name: service.name },
    configFolder: dirname(service.file),
    taskKey: key,
    log: tools.log,
    runner: tools.runner,
    signal: tools.signal,
    now: tools.now,
    tools: tools.commands,
    workFolder: join(workFolder, key),
    keptFolder: join(tools.keptFolder, service.type, service.name, key),
    warn,
  });
}

/** A dry run has no work folders. */
async function withContexts<T>(
  service: Service,
  stages: Stages,
  tools: ServiceTools,
  fn: (contextOf: ContextOf) => Promise<T>,
): Promise<T> {
  const contextsIn = (folder: string) => taskContexts(service, folder, tools, (message) => stages.warn(message));
  if (tools.dryRun) return fn(contextsIn('/nonexistent'));
  return withWorkFolder(tools.staging, async (folder) => {
    for (const { key } of service.tasks) await mkdir(join(folder, key), { mode: 0o700 });
    return fn(contextsIn(folder));
  });
}

async function requireFreeSpace({ staging, minFreeSpaceBytes }: ServiceTools): Promise<void> {
  const { bytes } = await freeSpace(staging);
  if (bytes < minFreeSpaceBytes) throw tooLittleSpace(staging, bytes, minFreeSpaceBytes);
}

export function tooLittleSpace(folder: string, free: number, needed: number): BackupError {
  const mebibytes = (bytes: number) => Math.floor(bytes / 1024 ** 2);
  return new BackupError(`${folder} has ${mebibytes(free)} MiB free, ${mebibytes(needed)} MiB must stay free`, {
    hint: 'Make room there, lower keep_days, or lower min_free_space_mb.',
  });
}
