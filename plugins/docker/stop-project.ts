import { BackupError } from '#common/errors.ts';
import type { CollectorContext, Intervention } from '#common/plugin/collector.ts';
import { projectContainers } from './compose-project.ts';
import { containersOf, isRunning } from './containers.ts';
import type { DockerOptions } from './docker-schema.ts';
import { dockerTaskOf } from './docker-task.ts';
import { resumeProject } from './resume-project.ts';
import { startOrder } from './start-order.ts';
import { stopGroup } from './stop-group.ts';
import { type StoppedProject, stoppedContainer } from './stopped-project.ts';

/**
 * Containers are stopped and started by docker itself, not by compose: `compose start web` would start all that web
 * needs, also what somebody has stopped on purpose.
 */
export const stopProject: Intervention<DockerOptions, StoppedProject> = {
  async plan(options, context) {
    const task = dockerTaskOf(options, context.configFolder);
    if (task.mode === 'none') return undefined;
    const running = (await projectContainers(task, context)).filter(isRunning);
    if (running[0] === undefined) return undefined;
    return {
      project: running[0].project,
      folder: task.folder,
      mode: task.mode,
      groups: startOrder(running).map((group) => group.map(stoppedContainer)),
      stopSeconds: task.stopSeconds ?? null,
      startTimeoutMs: task.startTimeoutMs,
      settleMs: task.settleMs,
    };
  },

  describe({ project, groups }) {
    const services = new Set(groups.flat().map(({ service }) => service));
    return `the compose project ${project} (${[...services].join(', ')})`;
  },

  async begin(state, context) {
    for (const group of [...state.groups].reverse()) await stopGroup(state, group, context);
    await requireStill(state, context);
  },

  end: resumeProject,
};

async function requireStill({ project, groups }: StoppedProject, context: CollectorContext): Promise<void> {
  const ids = groups.flat().map(({ id }) => id);
  const now = (await containersOf(project, context)).filter(({ id }) => ids.includes(id));
  const names = (which: typeof now) => which.map(({ name }) => name).join(', ');
  const left = now.filter(isRunning);
  if (left.length > 0) {
    throw new BackupError(`docker: ${names(left)} did not stay stopped`, {
      hint: 'Something starts it again, such as a program that watches over containers; end that first.',
    });
  }
  const killed = now.filter(({ state, exitCode }) => state === 'exited' && exitCode === exitCodeOfSigkill);
  if (killed.length === 0) return;
  context.warn(
    `docker: ${names(killed)} did not end in time and was killed; set a longer stop_timeout, ` +
      'or "init: true" in the compose file for a program that does not hear the signal',
  );
}

const exitCodeOfSigkill = 137;
