import type { PartReport } from '#common/run/report.ts';
import { assetId } from './coverage.ts';
import type { DatedAsset } from './seen-assets.ts';
import type { PlannedStep, ServicePlan } from './service-plan.ts';

/** All that `local-backup plan` tells. */
export interface Plan {
  readonly services: readonly ServicePlan[];
  readonly uncovered: readonly DatedAsset[];
  /** Where the audit could not look. */
  readonly problems: readonly string[];
}

/** The plan as people read it; `last` is what the last run says of each service. */
export function renderPlan({ services, uncovered, problems }: Plan, last: readonly PartReport[]): string {
  const blocks = services.map((plan) => {
    const part = last.find(({ name }) => name === plan.service);
    return [`${plan.service}  ${plan.file}`, ...lastRun(part), ...bodyOf(plan), ''];
  });
  return [
    ...blocks.flat(),
    ...coverageOf(uncovered),
    ...problems.map((problem) => `  could not look: ${problem}`),
  ].join('\n');
}

function lastRun(part: PartReport | undefined): string[] {
  if (part === undefined) return ['  last run: none'];
  const { downtime } = part.facts;
  const stopped = downtime === undefined ? '' : `, stopped for ${downtime}`;
  return [`  last run: ${part.outcome}, took ${(part.durationMs / 1000).toFixed(1)} s${stopped}`];
}

function bodyOf({ steps, skip, problem }: ServicePlan): string[] {
  if (skip !== undefined) return [`  left out now: ${skip}`];
  if (problem === undefined) return steps.map(stepLine);
  const [first, ...causes] = problem.messages;
  return [
    `  would fail: ${first}`,
    ...causes.map((cause) => `    because ${cause}`),
    ...(problem.hint === undefined ? [] : [`    → ${problem.hint}`]),
  ];
}

function stepLine({ what, task, detail }: PlannedStep, index: number): string {
  return `  ${index + 1}. ${what} ${what === 'collect' ? task : (detail ?? task)}`;
}

function coverageOf(uncovered: readonly DatedAsset[]): string[] {
  if (uncovered.length === 0) return ['not covered by any service: nothing that is known'];
  const width = Math.max(...uncovered.map((asset) => assetId(asset).length));
  return [
    'not covered by any service (add it to one, or to ignore: in client_config.yml):',
    ...uncovered.map(
      (asset) => `  ${assetId(asset).padEnd(width)}  since ${asset.since.slice(0, 10)}${asset.isNew ? '  new' : ''}`,
    ),
  ];
}
