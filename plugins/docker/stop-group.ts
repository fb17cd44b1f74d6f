import type { RecoveryContext } from '#common/plugin/collector.ts';
import { changeContainers, runDocker, stopContainers } from './docker-commands.ts';
import type { StoppedContainer, StoppedProject } from './stopped-project.ts';

/** Stops or pauses containers that start together. */
export async function stopGroup(
  { mode, stopSeconds }: Pick<StoppedProject, 'mode' | 'stopSeconds'>,
  group: readonly StoppedContainer[],
  context: RecoveryContext,
): Promise<void> {
  const ids = group.map(({ id }) => id);
  const command = mode === 'pause' ? changeContainers('pause', ids) : stopContainers(ids, stopSeconds ?? undefined);
  await runDocker(command, `${mode} ${group.map(({ name }) => name).join(', ')}`, context);
}
