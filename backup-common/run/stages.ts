import { chainOf, hintOf, kindOf, messagesOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Failure, StageRecord } from './report.ts';

/**
 * The named steps of one part of a run. `run` times and records a step and remembers which one failed; warnings are
 * collected beside. The record becomes the report.
 */
export class Stages {
  readonly records: StageRecord[] = [];
  readonly warnings: string[] = [];
  /** Figures for the report that count also when the part fails. */
  readonly facts: Record<string, string | number | boolean> = {};
  /** Of stages within stages the innermost. */
  readonly #failedIn = new Map<unknown, string>();

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
      if (!this.#failedIn.has(error)) this.#failedIn.set(error, this.#stageOf(error) ?? name);
      this.#record(name, 'failed', startedAt);
      throw error;
    }
  }

  warn(message: string): void {
    this.warnings.push(message);
    this.log.warn(message);
  }

  /** With an error that no stage threw, such as the reason of an abort, the stage is the last one if that failed. */
  failureOf(error: unknown): Failure {
    const last = this.records.at(-1);
    const stage = this.#stageOf(error) ?? (last?.outcome === 'failed' ? last.name : undefined);
    return { stage, messages: messagesOf(error), hint: hintOf(error), kind: kindOf(error) };
  }

  /** The stage that threw the error or one of its causes. */
  #stageOf(error: unknown): string | undefined {
    const thrown = chainOf(error).find((link) => this.#failedIn.has(link));
    return this.#failedIn.get(thrown);
  }

  #record(name: string, outcome: 'ok' | 'failed', startedAt: Date): void {
    const durationMs = this.now().getTime() - startedAt.getTime();
    this.records.push({ name, outcome, startedAt: startedAt.toISOString(), durationMs });
    this.log.info({ stage: name, outcome, durationMs }, 'stage ends');
  }
}
