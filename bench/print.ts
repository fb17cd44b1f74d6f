import type { Figures, Measured } from './figures.ts';
import type { Goal } from './goals.ts';

/** A goal with what came of it. */
export interface Ratio extends Goal {
  readonly ratio: number;
}

/** Of the medians. A figure that was not measured has no ratio. */
export function ratiosOf(goals: readonly Goal[], figures: Figures): readonly Ratio[] {
  return goals.flatMap((goal) => {
    const [figure, against] = [figures.median(goal.figure), figures.median(goal.against)];
    return figure === undefined || against === undefined
      ? []
      : [{ ...goal, ratio: Number((figure / against).toFixed(2)) }];
  });
}

export function tableOf(figures: Figures, ratios: readonly Ratio[]): string {
  const rows = figures
    .all()
    .map(([name, figure]) => `  ${name.padEnd(52)}${textOf(figures.median(name) ?? 0, figure)}`);
  const verdicts = ratios.map(
    ({ figure, against, ratio, must, aim }) =>
      `  ${figure.padEnd(46)} / ${against.padEnd(46)}${ratio.toFixed(2).padStart(7)}   must ${must}, aim ${aim}: ${verdictOf(ratio, must, aim)}`,
  );
  return ['medians', ...rows, '', 'ratios: less is better', ...verdicts].join('\n');
}

function textOf(median: number, { values, unit }: Measured): string {
  const text = (value: number) => (unit === 'bytes' ? `${(value / 1e6).toFixed(1)} MB` : `${value.toFixed(2)} ${unit}`);
  const range = values.length > 1 ? `   ${text(Math.min(...values))} to ${text(Math.max(...values))}` : '';
  return text(median).padStart(12) + range;
}

function verdictOf(ratio: number, must: number, aim: number): string {
  if (ratio <= aim) return 'as aimed at';
  return ratio <= must ? 'reached' : 'NOT REACHED';
}
