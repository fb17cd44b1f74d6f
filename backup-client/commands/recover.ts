import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { Problems } from '#common/config/problems.ts';
import { exitCodes, kindOf } from '#common/errors.ts';
import { withInstanceLock } from '#common/instance-lock.ts';
import { loadClientConfig } from '../config.ts';
import { emptyStaging, stagingName } from '../drop-folder.ts';

/**
 * `local-backup recover`: puts right what a run that was killed could not, and does nothing while one is running. Run
 * after each run and at boot.
 */
export async function recover(context: CommandContext): Promise<CommandOutcome> {
  const problems = new Problems();
  const config = await loadClientConfig(context.configDir, problems);
  problems.throwIfAny();
  if (config === undefined) throw new Error('a configuration was refused without saying why');
  try {
    const lock = { folder: config.runtimeDir, program: 'local-backup', now: () => new Date() };
    const removed = context.dryRun ? [] : await withInstanceLock(lock, () => emptyStaging(config));
    const paths = removed.map((name) => join(config.baseBackupDir, stagingName, name));
    const text = paths.length === 0 ? 'nothing to put right' : `removed: ${paths.join(', ')}`;
    return { exitCode: exitCodes.done, text, json: { removed: paths } };
  } catch (error) {
    if (kindOf(error) !== 'already-running') throw error;
    return { exitCode: exitCodes.done, text: 'a run is going on, nothing was done', json: { removed: [] } };
  }
}
