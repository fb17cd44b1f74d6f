import type { Runner } from '#common/process/runner.ts';

export interface TarTools {
  /** GNU tar. */
  readonly tar: string;
  readonly runner: Runner;
}
