import type { Runner } from '#common/process/runner.ts';
import type { PlannedStep } from './reuse-plan.ts';
import type { Source } from './source.ts';
import { TarRun } from './tar-run.ts';

/** So many entries are planned before the first of them is done: names enough for tar to have work. */
const entriesAhead = 8000;
/** Tar writes 10 KiB at a time, so fewer entries than this may wait in it for more names. */
const namesTarMayHold = 32;

/** A step, and the tar that was told to read it. */
export interface QueuedStep {
  readonly step: PlannedStep;
  readonly run: TarRun | undefined;
}

/**
 * The next steps of a plan, with GNU tar reading ahead. There is one run of tar, unless so little is to be read that its
 * entries would wait in it while the queue is full: then it gets no more names, and another one those that come later.
 */
export class StepQueue {
  readonly #queue: QueuedStep[] = [];
  readonly #runs: TarRun[] = [];
  #entries = 0;
  #open: TarRun | undefined;
  #isPlanned = false;

  constructor(
    private readonly source: Source,
    private readonly plan: AsyncIterator<PlannedStep>,
    private readonly tools: { readonly tar: string; readonly runner: Runner },
  ) {}

  async next(): Promise<QueuedStep | undefined> {
    if (this.#entries <= entriesAhead / 2) await this.#planAhead();
    const next = this.#queue.shift();
    if (next === undefined) return undefined;
    this.#entries -= entriesOf(next.step);
    if (next.run !== undefined && next.run === this.#open && next.run.waiting < namesTarMayHold) this.#endNames();
    return next;
  }

  /** After the last step: a BackupError when a tar has something to say. */
  async finish(): Promise<void> {
    for (const run of this.#runs) await run.finish();
  }

  stop(): void {
    for (const run of this.#runs) run.stop();
  }

  /** In strides, so that tar gets many names at a time. */
  async #planAhead(): Promise<void> {
    while (this.#entries < entriesAhead && !this.#isPlanned) {
      const planned = await this.plan.next();
      if (planned.done === true) this.#isPlanned = true;
      else await this.#add(planned.value);
    }
    if (this.#isPlanned) this.#endNames();
    else this.#open?.sendNames();
  }

  async #add(step: PlannedStep): Promise<void> {
    this.#entries += entriesOf(step);
    if (step.type !== 'read') {
      this.#queue.push({ step, run: undefined });
      return;
    }
    this.#open ??= await this.#newRun();
    this.#open.name(step.walked.path);
    this.#queue.push({ step, run: this.#open });
  }

  /** Runs whose entries have all been taken are done with. */
  async #newRun(): Promise<TarRun> {
    while (this.#runs[0]?.waiting === 0) await this.#runs.shift()?.finish();
    const run = new TarRun(this.source, this.tools);
    this.#runs.push(run);
    return run;
  }

  #endNames(): void {
    this.#open?.endNames();
    this.#open = undefined;
  }
}

function entriesOf(step: PlannedStep): number {
  return step.type === 'copy-block' || step.type === 'copy-item' ? step.walked.length : 1;
}
