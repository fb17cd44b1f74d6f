/** How a stage, a part or a run ended. `warning` is still a success. */
export type Outcome = 'ok' | 'warning' | 'failed' | 'skipped';

export interface StageRecord {
  readonly name: string;
  readonly outcome: 'ok' | 'failed';
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
}

export interface Failure {
  /** The stage that failed; undefined when it happened outside any. */
  readonly stage: string | undefined;
  /** The error's message followed by those of its causes. */
  readonly messages: readonly string[];
  readonly hint: string | undefined;
  /** The error's kind, where somebody acts on it. */
  readonly kind: string | undefined;
}

/** One service of a client run, one host of a server or maintenance run. */
export interface PartReport {
  /** `<type>/<service>` or the host's name. */
  readonly name: string;
  readonly outcome: Outcome;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly stages: readonly StageRecord[];
  readonly warnings: readonly string[];
  readonly failure: Failure | undefined;
  /** Why it was skipped, when it was; `kind` chooses the mail's subject. */
  readonly skip: { readonly kind: string; readonly reason: string } | undefined;
  /** Figures and names for people and monitors: bytes, files, snapshot id, archive name, downtime. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** The record of one run. Mail, summary, status and metrics are pure functions of it. */
export interface RunReport {
  readonly program: 'local-backup' | 'backup-server' | 'restic-maintenance';
  readonly version: string;
  /** The machine the program ran on. */
  readonly hostname: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly outcome: Outcome;
  readonly dryRun: boolean;
  readonly parts: readonly PartReport[];
  /** Stages of the run as a whole (lock, verify, publish …). */
  readonly stages: readonly StageRecord[];
  readonly warnings: readonly string[];
  readonly failure: Failure | undefined;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}
