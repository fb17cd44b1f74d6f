import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { renderReport } from '#common/run/render-report.ts';
import { exitCodeOf } from '#common/run/run-report.ts';
import { type NeededLine, unitAdvice } from '#common/run/unit-advice.ts';
import type { NeededPath } from '#common/run/unit-paths.ts';
import { collectorOf, type Service } from '../discover.ts';
import { load } from './load.ts';
import { checkOnly } from './run.ts';

/** `local-backup check`: every problem of the configuration, then every task's own look at its programs and paths. */
export async function check(context: CommandContext): Promise<CommandOutcome> {
  const loaded = await load(context.configDir);
  const { config, services } = loaded;
  const report = await checkOnly(loaded, context);
  const paths: NeededPath[] = [
    { path: config.baseBackupDir, needs: 'write', because: 'base_backup_dir' },
    { path: config.stateDir, needs: 'write', because: 'state_dir' },
    { path: config.runtimeDir, needs: 'write', because: 'runtime_dir' },
  ];
  const lines = linesFor(services);
  const advice = [
    ...(await unitAdvice('local-backup.service', paths, lines)),
    ...(await unitAdvice('local-backup-recover.service', [], lines)),
  ];
  const where = services.map(({ type, name, file }) => `  ${join(type, name)}  ${file}`);
  const text = [
    services.length === 1 ? '1 service:' : `${services.length} services:`,
    ...where,
    '',
    renderReport(report),
    ...advice,
  ].join('\n');
  return { exitCode: exitCodeOf(report), text, json: { ...report, unit: advice } };
}

/** What the tasks need of the units that run them. */
function linesFor(services: readonly Service[]): readonly NeededLine[] {
  return services.flatMap(({ type, name, tasks }) =>
    tasks.flatMap((task) => {
      const { unitLines = [] } = collectorOf(task);
      const lines = typeof unitLines === 'function' ? unitLines(task.options) : unitLines;
      return lines.map((line) => ({ line, because: `${task.key} of ${type}/${name}` }));
    }),
  );
}
