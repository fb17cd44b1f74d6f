import { hintOf, messagesOf } from '#common/errors.ts';
import type { CollectorContext, Intervention, RecoveryContext, ServiceArchive } from '#common/plugin/collector.ts';
import type { Stages } from '#common/run/stages.ts';
import { collectorOf, type Service, type Task } from './discover.ts';
import type { InterventionKind, InterventionLog, LoggedIntervention } from './intervention-log.ts';
import { undo } from './undo.ts';

export interface LifecycleTools {
  readonly stages: Stages;
  readonly now: () => Date;
  readonly interventions: InterventionLog;
  readonly contextOf: (task: Task) => CollectorContext;
  /** Without the run's abort: what was stopped is started also when the run was told to end. */
  readonly recoveryContextOf: (task: Task, timeoutMs: number) => RecoveryContext;
  /** Told how long the service was stopped in ms, as soon as it runs again or should. */
  readonly onDowntime: (ms: number) => void;
  /** Called after each task has been collected. */
  readonly afterTask: () => Promise<void>;
}

/** How long removing a snapshot, or cleaning up, may take. */
const tidyingTimeoutMs = 5 * 60_000;

/**
 * Collects all tasks of a service, see `Collector` for the order. However it ends, all that was stopped is started again
 * and every snapshot removed; a failure of that fails the service.
 */
export async function collectService(service: Service, archive: ServiceArchive, tools: LifecycleTools): Promise<void> {
  const live = service.tasks.filter(({ collector }) => collector.phase === 'live');
  const quiesced = service.tasks.filter(({ collector }) => collector.phase === 'quiesced');
  const stops = new Interventions('stop', tools);
  const snapshots = new Interventions('snapshot', tools);
  const cleanups = new Interventions('cleanup', tools);
  const collect = async (tasks: readonly Task[]): Promise<void> => {
    for (const task of tasks) await collectTask(task, archive, snapshots.stateOf(task), tools);
  };
  const resume = () => stops.endAll('start again', service.resumeTimeoutMs).finally(() => stops.tellDuration());
  const removeSnapshots = () => snapshots.endAll('remove the snapshot', tidyingTimeoutMs);
  const cleanUp = () => cleanups.endAll('clean up', tidyingTimeoutMs);

  const whileStopped = async (): Promise<void> => {
    for (const task of service.tasks) await stops.begin(task, 'stop');
    for (const task of quiesced) await snapshots.begin(task, 'snapshot');
    await collect(quiesced.filter((task) => !isReadFromSnapshot(task, snapshots)));
  };
  const withSnapshots = async (): Promise<void> => {
    await finallyDo(whileStopped, resume, tools.stages);
    await collect(quiesced.filter((task) => isReadFromSnapshot(task, snapshots)));
  };
  const everything = async (): Promise<void> => {
    for (const task of service.tasks) await cleanups.begin(task, 'begin');
    await collect(live);
    for (const task of quiesced) await prepare(task, tools);
    await finallyDo(withSnapshots, removeSnapshots, tools.stages);
  };
  await finallyDo(everything, cleanUp, tools.stages);
}

async function collectTask(
  task: Task,
  archive: ServiceArchive,
  snapshot: unknown,
  { stages, contextOf, afterTask }: LifecycleTools,
): Promise<void> {
  await stages.run(task.key, async () => {
    await collectorOf(task).collect(task.options, contextOf(task), archive, snapshot);
    await afterTask();
  });
}

async function prepare(task: Task, { stages, contextOf }: LifecycleTools): Promise<void> {
  const collector = collectorOf(task);
  if (collector.prepare === undefined) return;
  await stages.run(`${task.key}: prepare`, () => collector.prepare?.(task.options, contextOf(task)));
}

function isReadFromSnapshot(task: Task, snapshots: Interventions): boolean {
  const state = snapshots.stateOf(task);
  return state !== undefined && (collectorOf(task).snapshot?.isComplete(state) ?? false);
}

/** The interventions of one kind in one service: begun in the order of the tasks, ended in the opposite one. */
class Interventions {
  readonly #open: { readonly task: Task; readonly logged: LoggedIntervention }[] = [];
  readonly #states = new Map<Task, unknown>();
  #beganAt: Date | undefined;

  constructor(
    private readonly kind: InterventionKind,
    private readonly tools: LifecycleTools,
  ) {}

  stateOf(task: Task): unknown {
    return this.#states.get(task);
  }

  async begin(task: Task, stage: string): Promise<void> {
    const intervention: Intervention<unknown> | undefined = collectorOf(task)[this.kind];
    if (intervention === undefined) return;
    const { stages, interventions, now } = this.tools;
    await stages.run(`${task.key}: ${stage}`, async () => {
      const context = this.tools.contextOf(task);
      const state = await intervention.plan(task.options, context);
      if (state === undefined) return;
      const logged = await interventions.open({ service: context.service, taskKey: task.key, kind: this.kind, state });
      this.#open.push({ task, logged });
      this.#beganAt ??= now();
      await intervention.begin(state, context);
      this.#states.set(task, state);
    });
  }

  /** Tries all, also when one fails, and then throws the first failure. */
  async endAll(stage: string, timeoutMs: number): Promise<void> {
    const { stages, interventions, recoveryContextOf } = this.tools;
    const failures: unknown[] = [];
    for (const { task, logged } of this.#open.splice(0).reverse()) {
      await stages
        .run(`${task.key}: ${stage}`, () =>
          undo(logged, task.collector, recoveryContextOf(task, timeoutMs), interventions),
        )
        .catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  tellDuration(): void {
    if (this.#beganAt !== undefined) this.tools.onDowntime(this.tools.now().getTime() - this.#beganAt.getTime());
  }
}

/** As try and finally, but a failure of the body is never hidden: what fails after it is told beside it. */
async function finallyDo(body: () => Promise<void>, last: () => Promise<void>, stages: Stages): Promise<void> {
  try {
    await body();
  } catch (error) {
    await last().catch((second: unknown) => stages.warn([...messagesOf(second), hintOf(second) ?? ''].join('; ')));
    throw error;
  }
  await last();
}
