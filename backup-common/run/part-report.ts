import { BackupError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PartReport } from './report.ts';
import { Stages } from './stages.ts';

/** What a part tells of itself when it did not fail. */
export interface PartResult {
  readonly skip?: { readonly kind: string; readonly reason: string };
  readonly facts?: PartReport['facts'];
}

export interface PartTools {
  readonly log: Log;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/**
 * Runs one service or one host so that its failure stays its own: whatever it throws becomes its report. Only the
 * abort of the whole run passes through.
 */
export async function partReport(
  name: string,
  tools: PartTools,
  body: (stages: Stages) => Promise<PartResult>,
): Promise<PartReport> {
  const stages = new Stages(tools.log, tools.now);
  const startedAt = tools.now();
  const common = () => ({
    name,
    startedAt: startedAt.toISOString(),
    durationMs: tools.now().getTime() - startedAt.getTime(),
    stages: stages.records,
    warnings: stages.warnings,
  });
  try {
    const { skip, facts = {} } = await body(stages);
    const outcome = skip !== undefined ? 'skipped' : stages.warnings.length > 0 ? 'warning' : 'ok';
    return { ...common(), outcome, failure: undefined, skip, facts: { ...stages.facts, ...facts } };
  } catch (error) {
    if (tools.signal.aborted) throw tools.signal.reason;
    const failure = stages.failureOf(error);
    logFailure(tools.log, error, failure.stage);
    return { ...common(), outcome: 'failed', failure, skip: undefined, facts: stages.facts };
  }
}

/** An expected failure by its message, a bug of ours with its stack. */
function logFailure(log: Log, error: unknown, stage: string | undefined): void {
  const isExpected = error instanceof BackupError;
  const message = error instanceof Error ? error.message : String(error);
  const stack = !isExpected && error instanceof Error ? error.stack : undefined;
  log.error({ ...(stage !== undefined && { stage }), ...(stack !== undefined && { stack }) }, message);
}
