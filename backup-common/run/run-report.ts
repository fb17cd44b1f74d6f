import { exitCodes } from '../errors.ts';
import type { Outcome, PartReport, RunReport } from './report.ts';

type Facts = Omit<RunReport, 'outcome' | 'failure'> & { readonly failure?: RunReport['failure'] };

/** The record of a run, its outcome made from those of its parts: the worst one counts. */
export function runReport(facts: Facts): RunReport {
  const { failure } = facts;
  return { ...facts, failure, outcome: outcomeOf(facts.parts, facts.warnings, failure !== undefined) };
}

function outcomeOf(parts: readonly PartReport[], warnings: readonly string[], hasFailed: boolean): Outcome {
  if (hasFailed || parts.some((part) => part.outcome === 'failed')) return 'failed';
  const isUnusual = parts.some((part) => part.outcome === 'warning' || part.outcome === 'skipped');
  return isUnusual || warnings.length > 0 ? 'warning' : 'ok';
}

export function exitCodeOf(report: RunReport): number {
  return report.outcome === 'failed' ? exitCodes.failed : exitCodes.done;
}
