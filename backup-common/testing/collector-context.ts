import { join } from 'node:path';
import type { CollectorContext, ToolCommands } from '../plugin/collector.ts';
import { execaRunner } from '../process/execa-runner.ts';
import { memoryLog } from './memory-log.ts';

/** A context that remembers the warnings it was given. */
export interface TestContext extends CollectorContext {
  readonly warnings: readonly string[];
}

/** The context of a task in a test: programs are run for real, `folder` is configuration and work folder in one. */
export function collectorContext(folder: string, taskKey: string): TestContext {
  const warnings: string[] = [];
  const { signal } = new AbortController();
  return {
    service: { type: 'test', name: 'service' },
    configFolder: folder,
    taskKey,
    log: memoryLog().log,
    runner: execaRunner(signal),
    signal,
    now: () => new Date(0),
    tools: defaultTools,
    workFolder: folder,
    keptFolder: join(folder, 'kept'),
    warnings,
    warn: (message) => warnings.push(message),
  };
}

const defaultTools: ToolCommands = {
  docker: 'docker compose',
  influx: 'influx',
  mysqldump: 'mysqldump',
  pg_dump: 'pg_dump',
  rsync: 'rsync',
  tar: 'tar',
  univention_backup: 'univention-backup',
};
