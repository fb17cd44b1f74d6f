import { setTimeout } from 'node:timers/promises';
import { BackupError, messagesOf } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { containersOf, isRunning } from './containers.ts';
import { changeContainers, readLastLogLines, runDocker } from './docker-commands.ts';
import { stopGroup } from './stop-group.ts';
import { currentOf, progressOf, type StoppedContainer, type StoppedProject } from './stopped-project.ts';

const pollMs = 250;

/** Starts or unpauses what does not run and waits until it does. All is tried, then the first failure is thrown. */
export async function resumeProject(state: StoppedProject, context: RecoveryContext): Promise<void> {
  await finishStop(state, context);
  const failures: unknown[] = [];
  let isAnyStarted = false;
  for (const group of state.groups) {
    try {
      isAnyStarted = (await startIdle(group, state, context)) || isAnyStarted;
      await waitUntilUp(group, state, context);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  if (isAnyStarted) await settle(state, context);
}

/**
 * Whoever told docker to stop containers may have been killed before docker was done: they still run, and in a moment they
 * do not. Only the first group that runs can be meant, since each is stopped before the next.
 */
async function finishStop(state: StoppedProject, context: RecoveryContext): Promise<void> {
  const now = await containersOf(state.project, context);
  const isAsBefore = ({ id, startedAt }: StoppedContainer) =>
    now.some((container) => container.id === id && container.startedAt === startedAt && isRunning(container));
  const group = [...state.groups].reverse().find((each) => each.some(isAsBefore));
  if (group === undefined) return;
  try {
    await stopGroup(state, group.filter(isAsBefore), context);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    context.log.info({ problem: messagesOf(error).join(': ') }, 'what was to be stopped still runs');
  }
}

/** Whether something had to be started. */
async function startIdle(
  group: readonly StoppedContainer[],
  { project }: StoppedProject,
  context: RecoveryContext,
): Promise<boolean> {
  const now = await containersOf(project, context);
  const idle = group.flatMap((stopped) => currentOf(stopped, now) ?? []).filter((container) => !isRunning(container));
  for (const verb of ['unpause', 'start'] as const) {
    const which = idle.filter(({ state }) => (state === 'paused') === (verb === 'unpause'));
    if (which.length === 0) continue;
    const ids = which.map(({ id }) => id);
    await runDocker(changeContainers(verb, ids), `${verb} ${which.map(({ name }) => name).join(', ')}`, context);
  }
  return idle.length > 0;
}

async function waitUntilUp(
  group: readonly StoppedContainer[],
  { project, folder, startTimeoutMs }: StoppedProject,
  context: RecoveryContext,
): Promise<void> {
  const timeout = AbortSignal.timeout(startTimeoutMs);
  for (;;) {
    const now = await containersOf(project, context);
    let isWaiting = false;
    for (const stopped of group) {
      const progress = progressOf(stopped, currentOf(stopped, now));
      if (progress.type === 'failed') throw await notUp(stopped, progress.reason, folder, context);
      if (progress.type === 'up') continue;
      if (timeout.aborted) throw await notUp(stopped, `is not up after ${startTimeoutMs / 1000} s`, folder, context);
      isWaiting = true;
    }
    if (!isWaiting) return;
    await setTimeout(pollMs, undefined, { signal: context.signal });
  }
}

/** What has no health check must still run after a while. */
async function settle(state: StoppedProject, context: RecoveryContext): Promise<void> {
  const silent = state.groups.flat().filter(({ expectation }) => expectation === 'running');
  if (silent.length === 0 || state.settleMs === 0) return;
  await setTimeout(state.settleMs, undefined, { signal: context.signal });
  await waitUntilUp(silent, state, context);
}

async function notUp(
  { id, name }: StoppedContainer,
  reason: string,
  folder: string,
  context: RecoveryContext,
): Promise<BackupError> {
  const said = await readLastLogLines(id, context);
  return new BackupError(`docker: the container ${name} ${reason}${said === '' ? '' : `; it says: ${said}`}`, {
    hint: `See "docker logs ${name}"; "docker compose up --detach" in ${folder} starts the whole project.`,
  });
}
