import { formatProblem, type Problem } from '#common/config/problems.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector } from '#common/plugin/collector.ts';

/**
 * Takes every key that nobody else answers to while a plugin is refused, since it may be that one's: its service fails and
 * says why, and the others are stored. Undefined where none is refused, so that an unknown key is a mistake.
 */
export function standInFor(refused: readonly Problem[]): Collector | undefined {
  if (refused.length === 0) return undefined;
  const why = refused.map((problem) => `the plugin ${formatProblem(problem)}`).join('; ');
  return {
    name: 'refused',
    taskKeys: [],
    phase: 'live',
    schema: {},
    check: async (_options, { taskKey }) => {
      throw new BackupError(`no collector answers to the key "${taskKey}"`, {
        cause: new BackupError(why),
        hint: 'Put that plugin right, or the key if it was to be another one; "local-backup plugins" lists all.',
      });
    },
    collect: async () => undefined,
  };
}
