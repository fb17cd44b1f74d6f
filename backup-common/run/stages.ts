import { hintOf, kindOf, messagesOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Failure, StageRecord } from './report.ts';

/**
 * The named steps of one part of a run. `run` times and records a step and remembers which one failed; warnings are
 * collected beside. The record becomes the report.
 */
export class Stages {
  readonly records: StageRecord[] = [];
  readonly warnings: string[] = [];
  #failedStage: string | undefined;

  constructor(
    private readonly log: Log,
    private readonly now: () => Date,
  ) {}

  async run<T>(name: string, step: () => Promise<T> | T): Promise<T> {
    const startedAt = this.now();
    this.log.info({ stage: name }, 'stage begins');
    try {
      const result = await step();
      this.#record(name, 'ok', startedAt);
      return result;
    } catch (error) {
      this.#failedStage ??= name;
      this.#record(name, 'failed', startedAt);
      throw error;
    }
  }

  warn(message: string): void {
    this.warnings.push(message);
    this.log.warn(message);
  }

  failureOf(error: unknown): Failure {
    return { stage: this.#failedStage, messages: messagesOf(error), hint: hintOf(error), kind: kindOf(error) };
  }

  #record(name: string, outcome: 'ok' | 'failed', startedAt: Date): void {
    const durationMs = this.now().getTime() - startedAt.getTime();
    this.records.push({ name, outcome, startedAt: startedAt.toISOString(), durationMs });
    this.log.info({ stage: name, outcome, durationMs }, 'stage ends');
  }
}
