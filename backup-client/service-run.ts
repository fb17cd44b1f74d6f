import { dirname } from 'node:path';
import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import type { BytePath } from '#common/archive/byte-path.ts';
import { BackupError } from '#common/errors.ts';
import { freeSpace } from '#common/free-space.ts';
import type { Log } from '#common/log.ts';
import type { Collector, CollectorContext } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';
import type { PartResult } from '#common/run/part-report.ts';
import type { Stages } from '#common/run/stages.ts';
import { withWorkFolder } from '#common/work-folder.ts';
import type { Reuse } from './collect/read-tree.ts';
import { ServiceArchiveWriter } from './collect/service-archive.ts';
import type { Service, Task } from './discover.ts';

export interface ServiceTools {
  readonly log: Log;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly runner: Runner;
  readonly tar: string;
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
export type ServiceSources = ServiceArchiveWriter['sources'];

/**
 * One service: every task is checked before anything is touched, live tasks run first, then the others. When one
 * fails, all that the service had appended is cut off again.
 */
export async function runService(
  service: Service,
  archive: OpenArchive,
  stages: Stages,
  tools: ServiceTools,
  sources: Map<Service, ServiceSources>,
): Promise<PartResult> {
  await withTasks(service, stages, tools, async (contexts) => {
    await stages.run('check', async () => {
      for (const [task, context] of contexts) await collectorOf(task).check?.(task.options, context);
    });
    if (tools.dryRun) return;
    const mark = await archive.writer.mark();
    const foldersBefore = new Set(archive.folders);
    try {
      sources.set(service, await collect(service, contexts, archive, stages, tools));
    } catch (error) {
      await archive.writer.cutBackTo(mark);
      archive.folders.clear();
      for (const folder of foldersBefore) archive.folders.add(folder);
      throw error;
    }
  });
  return {};
}

async function collect(
  service: Service,
  contexts: ReadonlyMap<Task, CollectorContext>,
  { writer, folders }: OpenArchive,
  stages: Stages,
  tools: ServiceTools,
): Promise<ServiceSources> {
  const warn = (message: string): void => stages.warn(message);
  const own = new ServiceArchiveWriter(`${service.type}/${service.name}`, writer, folders, { ...tools, warn });
  await own.addRoot();
  await own.addTree({ source: service.file, as: 'config_used/service.yaml' });
  for (const task of inPhaseOrder(service.tasks)) {
    const context = contexts.get(task);
    if (context === undefined) throw new Error(`the task ${task.key} has no context`);
    await stages.run(task.key, async () => {
      await collectorOf(task).collect(task.options, context, own);
      await requireFreeSpace(tools);
    });
  }
  return own.sources;
}

function inPhaseOrder(tasks: readonly Task[]): readonly Task[] {
  return [
    ...tasks.filter(({ collector }) => collector.phase === 'live'),
    ...tasks.filter(({ collector }) => collector.phase === 'quiesced'),
  ];
}

/** The options have passed the collector's own schema, which is what its type is made from. */
function collectorOf(task: Task): Collector<unknown> {
  return task.collector as Collector<unknown>;
}

/** A context for each task, with a work folder of the service's own for as long as `fn` runs. */
async function withTasks(
  service: Service,
  stages: Stages,
  tools: ServiceTools,
  fn: (contexts: ReadonlyMap<Task, CollectorContext>) => Promise<void>,
): Promise<void> {
  const contextsIn = (workFolder: string) =>
    new Map(
      service.tasks.map((task) => [
        task,
        {
          service: { type: service.type, name: service.name },
          configFolder: dirname(service.file),
          taskKey: task.key,
          log: tools.log,
          runner: tools.runner,
          signal: tools.signal,
          now: tools.now,
          workFolder,
          warn: (message: string) => stages.warn(message),
        },
      ]),
    );
  if (tools.dryRun) await fn(contextsIn('/nonexistent'));
  else await withWorkFolder(tools.staging, (folder) => fn(contextsIn(folder)));
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
