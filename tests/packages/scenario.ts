/** What one step saw, for the table at the end. */
export interface Row {
  readonly scenario: string;
  readonly step: string;
  readonly outcome: 'ok' | 'FAILED';
  readonly seen: string;
  readonly seconds: number;
}

/** Runs a step and keeps what it saw; a step that rejects ends its scenario. */
export type Step = (title: string, act: () => Promise<string>) => Promise<void>;

export interface Scenario {
  readonly title: string;
  run(step: Step): Promise<void>;
}

/** What does not build on each other: one that fails does not keep the next from being tried. */
export type Check = readonly [title: string, act: () => Promise<string>];

export async function tryEach(step: Step, checks: readonly Check[]): Promise<void> {
  const results = [];
  for (const [title, act] of checks)
    results.push(
      await step(title, act).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
  const failure = results.find((error) => error !== undefined);
  if (failure !== undefined) throw failure;
}

/** Runs all of them, one after the other, whatever happens to one of them. */
export async function runScenarios(scenarios: readonly Scenario[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { title, run } of scenarios) {
    console.log(`\n${title}`);
    const add = (row: Omit<Row, 'scenario'>): void => {
      rows.push({ scenario: title, ...row });
      console.log(`  ${row.outcome}  ${row.step}: ${row.seen} (${row.seconds.toFixed(0)} s)`);
    };
    let isTold = false;
    await run(async (step, act) => {
      const start = performance.now();
      const seconds = () => (performance.now() - start) / 1000;
      try {
        const seen = await act();
        add({ step, outcome: 'ok', seen, seconds: seconds() });
      } catch (error) {
        isTold = true;
        add({ step, outcome: 'FAILED', seen: messageOf(error), seconds: seconds() });
        throw error;
      }
    }).catch((error: unknown) => {
      if (!isTold) add({ step: 'set up', outcome: 'FAILED', seen: messageOf(error), seconds: 0 });
    });
  }
  return rows;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The rows as a table: what each scenario saw and how long it took. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ scenario, step, outcome, seen, seconds }) => [
    scenario,
    outcome,
    step,
    firstLine(seen),
    `${seconds.toFixed(0)} s`,
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function firstLine(text: string): string {
  const [first = ''] = text.split('\n');
  return first.length > 100 ? `${first.slice(0, 99)}…` : first;
}
