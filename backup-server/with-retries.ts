import type { Log } from '#common/log.ts';
import type { PartReport } from '#common/run/report.ts';

export interface RetryOptions {
  readonly retries: number;
  /** Before the first repetition; doubled each time. */
  readonly pauseMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
}

/** Failures that another try cannot mend: somebody has to look. */
const hopeless: ReadonlySet<string | undefined> = new Set([
  'wrong-password',
  'no-repository',
  'hostile-archive',
  'damaged-archive',
  'host-key',
  'no-archive',
  'no-space',
]);

/** Runs a host again when it failed, with growing pauses. */
export async function withRetries(options: RetryOptions, run: () => Promise<PartReport>): Promise<PartReport> {
  for (let attempt = 0; ; attempt += 1) {
    const report = await run();
    const isFinal = report.outcome !== 'failed' || attempt >= options.retries || hopeless.has(report.failure?.kind);
    if (isFinal) return attempt === 0 ? report : { ...report, facts: { ...report.facts, attempts: attempt + 1 } };
    const pauseMs = options.pauseMs * 2 ** attempt;
    options.log.warn({ host: report.name, attempt: attempt + 1, pauseMs }, 'host failed, trying again later');
    await options.sleep(pauseMs);
  }
}
