import { formatTimestamp } from '#common/archive/archive-name.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';

/** All that this suite makes on file systems begins with it. */
const ownPrefix = 'backup-suite-';

/** `docker:shop:files`: the task in letters that ZFS allows in names. */
function taskName({ service, taskKey }: Pick<RecoveryContext, 'service' | 'taskKey'>): string {
  return [service.type, service.name, taskKey].map((part) => part.replace(/[^A-Za-z0-9_.-]/g, '_')).join(':');
}

/** `backup-suite-20261128_030512:docker:shop:files`: two tasks of one run do not take each other's name. */
export function snapshotName(context: Pick<RecoveryContext, 'service' | 'taskKey' | 'now'>): string {
  return `${ownPrefix}${formatTimestamp(context.now())}:${taskName(context)}`;
}

/** Whether a name is one that this task made at any time. */
export function isNameOf(context: Pick<RecoveryContext, 'service' | 'taskKey'>, name: string): boolean {
  return name.startsWith(ownPrefix) && name.slice(ownPrefix.length).replace(/^\d{8}_\d{6}:/, '') === taskName(context);
}
