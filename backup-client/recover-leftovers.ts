import { messagesOf } from '#common/errors.ts';
import { partReport } from '#common/run/part-report.ts';
import type { PartReport } from '#common/run/report.ts';
import type { BackUpTools } from './back-up-tools.ts';
import type { ClientConfig } from './config.ts';
import { InterventionLog } from './intervention-log.ts';
import { undoAll } from './undo.ts';

/**
 * Starts what an interrupted run had stopped, and removes its snapshots. The report of that: a warning for each, failed
 * when one could not be undone; none when there was nothing to do. Needs the instance lock.
 */
export async function recoverLeftovers(config: ClientConfig, tools: BackUpTools): Promise<PartReport[]> {
  const log = new InterventionLog(config.stateDir);
  const part = await partReport('left by an interrupted run', tools, async (stages) => {
    const warn = (message: string): void => stages.warn(message);
    await stages.run('recover', async () => {
      const { done, failures } = await undoAll(log, tools.collectors, { ...tools, commands: config.tools, warn });
      for (const line of done) warn(line);
      for (const failure of failures.slice(1)) warn(messagesOf(failure).join(': '));
      if (failures[0] !== undefined) throw failures[0];
    });
    return {};
  });
  return part.outcome === 'ok' ? [] : [part];
}
