import { BackupError, kindOf } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import type { Place } from './place.ts';

/** The first of the commands whose program is there, with its result. */
export async function firstProgram(
  commands: readonly Command[],
  place: Place,
  { runner }: RecoveryContext,
): Promise<{ readonly index: number; readonly result: CommandResult } | undefined> {
  for (const [index, command] of commands.entries()) {
    const placed = place(command);
    try {
      const result = await runner.run(placed);
      if (!isNotFound(result)) return { index, result };
    } catch (error) {
      // what is missing may also be docker
      if (kindOf(error) !== 'program-missing' || placed.file !== command.file) throw error;
    }
  }
  return undefined;
}

export function programMissing(taskKey: string, program: string, where: string, hint: string): BackupError {
  return new BackupError(`${taskKey}: there is no ${program}${where}`, { hint });
}

/** As `docker exec` and `timeout` say it by their exit code, and `runuser` by its words. */
function isNotFound({ exitCode, stderr }: CommandResult): boolean {
  return exitCode === 126 || exitCode === 127 || /^runuser: failed to execute/m.test(stderr);
}
