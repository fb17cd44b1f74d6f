import { hintOf, messagesOf } from '#common/errors.ts';
import type { CollectorContext } from '#common/plugin/collector.ts';
import { collectorOf, type Service, type Task } from '../discover.ts';
import type { InterventionKind } from '../intervention-log.ts';

/** What a run would do with one service, in its order. */
export interface ServicePlan {
  readonly service: string;
  readonly file: string;
  readonly steps: readonly PlannedStep[];
  /** Why it would be left out now. */
  readonly skip?: string;
  /** Why it would fail now. */
  readonly problem?: { readonly messages: readonly string[]; readonly hint: string | undefined };
}

export interface PlannedStep {
  /** `collect` happens while the service runs or does not, as the steps around it say. */
  readonly what: 'collect' | 'stop' | 'snapshot' | 'start again' | 'remove the snapshot' | 'clean up';
  readonly task: string;
  /** What is stopped or taken. */
  readonly detail?: string;
}

/** Asks the tasks of a service, changing nothing. */
export async function planService(service: Service, contextOf: (task: Task) => CollectorContext): Promise<ServicePlan> {
  const common = { service: `${service.type}/${service.name}`, file: service.file };
  try {
    for (const task of service.tasks) await collectorOf(task).check?.(task.options, contextOf(task));
    for (const task of service.tasks) {
      const reason = await collectorOf(task).skip?.(task.options, contextOf(task));
      if (reason !== undefined) return { ...common, steps: [], skip: `${task.key}: ${reason}` };
    }
    return { ...common, steps: await stepsOf(service, contextOf) };
  } catch (error) {
    return { ...common, steps: [], problem: { messages: messagesOf(error), hint: hintOf(error) } };
  }
}

interface PlannedIntervention {
  readonly task: Task;
  readonly detail: string;
  readonly isComplete: boolean;
}

async function stepsOf({ tasks }: Service, contextOf: (task: Task) => CollectorContext): Promise<PlannedStep[]> {
  const live = tasks.filter(({ collector }) => collector.phase === 'live');
  const quiesced = tasks.filter(({ collector }) => collector.phase === 'quiesced');
  const stops = await planned('stop', tasks, contextOf);
  const snapshots = await planned('snapshot', quiesced, contextOf);
  const cleanups = await planned('cleanup', tasks, contextOf);
  const isLate = (task: Task) => snapshots.some((snapshot) => snapshot.task === task && snapshot.isComplete);
  const collect = (own: readonly Task[]): PlannedStep[] => own.map(({ key }) => ({ what: 'collect', task: key }));
  const steps = (what: PlannedStep['what'], own: readonly PlannedIntervention[]): PlannedStep[] =>
    own.map(({ task, detail }) => ({ what, task: task.key, detail }));
  return [
    ...collect(live),
    ...steps('stop', stops),
    ...steps('snapshot', snapshots),
    ...collect(quiesced.filter((task) => !isLate(task))),
    ...steps('start again', [...stops].reverse()),
    ...collect(quiesced.filter(isLate)),
    ...steps('remove the snapshot', [...snapshots].reverse()),
    ...steps('clean up', [...cleanups].reverse()),
  ];
}

async function planned(
  kind: InterventionKind,
  tasks: readonly Task[],
  contextOf: (task: Task) => CollectorContext,
): Promise<PlannedIntervention[]> {
  const found: PlannedIntervention[] = [];
  for (const task of tasks) {
    const collector = collectorOf(task);
    const intervention = collector[kind];
    const state = await intervention?.plan(task.options, contextOf(task));
    if (intervention === undefined || state === undefined) continue;
    const isComplete = kind === 'snapshot' && (collector.snapshot?.isComplete(state) ?? false);
    found.push({ task, detail: intervention.describe(state), isComplete });
  }
  return found;
}
