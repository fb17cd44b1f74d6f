import type { Log } from '#common/log.ts';
import type { Collector } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';

/** What a run touches the world with. */
export interface BackUpTools {
  readonly version: string;
  readonly log: Log;
  readonly now: () => Date;
  /** Rejects when the run is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly runner: Runner;
  /** Programs that do not end with the run, but with their own signal. */
  readonly lastingRunner: (signal: AbortSignal) => Runner;
  readonly collectors: readonly Collector[];
  readonly dryRun: boolean;
  /** What the report tells as a warning before all else. */
  readonly notices: readonly string[];
}
