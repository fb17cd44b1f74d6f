import type { CommandOutcome } from './cli.ts';
import { exitCodes } from './errors.ts';

/**
 * The outcome of a program's `ready`: exit code 1 and one line, what to edit, while a machine is not set up. The units ask
 * before they start a run (ExecCondition=), so that a package that was just installed fails nowhere.
 */
export function readiness(toEdit: string | undefined): CommandOutcome {
  if (toEdit === undefined) return { exitCode: exitCodes.done, text: 'set up', json: { isReady: true } };
  return { exitCode: exitCodes.failed, text: `not set up yet: ${toEdit}`, json: { isReady: false, toEdit } };
}
