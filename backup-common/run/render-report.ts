import type { Failure, PartReport, RunReport } from './report.ts';

/** The report as people read it, in a terminal and in mails: the result first, then each part that needs a look. */
export function renderReport(report: RunReport): string {
  const lines = [
    `${report.program} on ${report.hostname}: ${resultOf(report)}${report.dryRun ? ' (dry run, nothing was changed)' : ''}`,
    `from ${report.startedAt} to ${report.finishedAt}`,
    '',
    ...report.parts.flatMap(renderPart),
    ...report.warnings.map((warning) => `  warning: ${warning}`),
    ...(report.failure === undefined ? [] : renderFailure(report.failure)),
    ...Object.entries(report.facts).map(([key, value]) => `  ${key}: ${value}`),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function resultOf(report: RunReport): string {
  if (report.outcome === 'failed') return 'FAILED';
  return report.outcome === 'warning' ? 'done, with remarks' : 'done';
}

const marks: Readonly<Record<PartReport['outcome'], string>> = {
  ok: 'ok',
  warning: 'WARNING',
  failed: 'FAILED',
  skipped: 'skipped',
};

export function renderPart(part: PartReport): string[] {
  const facts = Object.entries(part.facts).map(([key, value]) => `${key} ${value}`);
  const seconds = (part.durationMs / 1000).toFixed(1);
  return [
    `${marks[part.outcome].padEnd(8)} ${part.name} (${seconds} s)${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`,
    ...(part.skip === undefined ? [] : [`  ${part.skip.reason}`]),
    ...part.warnings.map((warning) => `  warning: ${warning}`),
    ...(part.failure === undefined ? [] : renderFailure(part.failure)),
  ];
}

function renderFailure({ stage, messages, hint }: Failure): string[] {
  const [first, ...causes] = messages;
  return [
    `  failed${stage === undefined ? '' : ` at "${stage}"`}: ${first}`,
    ...causes.map((cause) => `    because ${cause}`),
    ...(hint === undefined ? [] : [`    → ${hint}`]),
  ];
}
