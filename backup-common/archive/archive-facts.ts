import type { Outcome } from '../run/report.ts';

/** What the archive says of one service. */
export interface ServiceFacts {
  readonly type: string;
  readonly name: string;
  /** `failed`, `skipped`: none of its entries is in this archive. */
  readonly outcome: Outcome;
  readonly startedAt: string;
  readonly durationMs: number;
  /** How long it was stopped; not there when it was not. */
  readonly downtimeMs?: number;
  readonly warnings: readonly string[];
  /** The messages of its failure, outermost first. */
  readonly failure?: readonly string[];
  /** Where each source on the client went: absolute path → path in the archive. */
  readonly sources: ReadonlyArray<{ readonly source: string; readonly path: string }>;
}

/** The facts of the run that made the archive, in a block of their own since they change every time. */
export interface ArchiveFacts {
  readonly host: string;
  readonly program: string;
  /** ISO 8601, UTC: the time in the archive's name. */
  readonly createdAt: string;
  readonly entries: number;
  readonly services: readonly ServiceFacts[];
}
