import type { Failure, PartReport, RunReport } from '../run/report.ts';

export const failure: Failure = {
  stage: 'fetch',
  messages: ['cannot fetch web-20260301_020000.tar.gz', 'the connection was closed'],
  hint: 'Look at the network.',
  kind: undefined,
};

/** A host that went well in 1.5 s, but for what is said. */
export function part(more: Partial<PartReport> = {}): PartReport {
  return {
    name: 'web',
    outcome: 'ok',
    startedAt: '2026-03-01T04:00:00.000Z',
    durationMs: 1500,
    stages: [],
    warnings: [],
    failure: undefined,
    skip: undefined,
    facts: {},
    ...more,
  };
}

/** A server's run of two minutes, but for what is said; its outcome is not made from its parts. */
export function run(more: Partial<RunReport> = {}): RunReport {
  return {
    program: 'backup-server',
    version: '1.0.0',
    hostname: 'vault.example.org',
    startedAt: '2026-03-01T04:00:00.000Z',
    finishedAt: '2026-03-01T04:02:00.000Z',
    outcome: 'ok',
    dryRun: false,
    parts: [],
    stages: [],
    warnings: [],
    failure: undefined,
    facts: {},
    ...more,
  };
}
