import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Collector, CollectorContext, Coverage, ToolCommands } from '#common/plugin/collector.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { loggedRunner } from '#common/process/logged-runner.ts';
import { collectorContext } from '#common/testing/collector-context.ts';
import { withDefaults } from '#common/testing/collector-contract.ts';
import { type MemoryArchive, memoryArchive } from '#common/testing/memory-archive.ts';
import { memoryLog } from '#common/testing/memory-log.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';

/** A task of a collector under test, outside of any service. */
export interface CollectorTask {
  /** A folder of the test's own. */
  readonly folder: string;
  readonly context: CollectorContext;
  readonly archive: MemoryArchive;
  readonly warnings: readonly string[];
  /** All that was logged, the command lines of all programs among it. */
  log(): string;
  check(options: unknown): Promise<void>;
  /** Checks and collects into the archive. */
  collect(options: unknown): Promise<void>;
  coverage(options: unknown): Promise<Coverage | undefined>;
}

export async function collectorTask(
  test: TestContext,
  subject: Collector,
  tools: Partial<ToolCommands> = {},
): Promise<CollectorTask> {
  const collector = subject as Collector<unknown>; // its options come from its own schema
  const folder = await tempFolder(test);
  const workFolder = join(folder, 'work');
  await mkdir(workFolder, { mode: 0o700 });
  const { log, lines } = memoryLog();
  const given = collectorContext(workFolder, collector.taskKeys[0] ?? '');
  const runner = loggedRunner(execaRunner(), log);
  const context = { ...given, log, runner, tools: { ...given.tools, ...tools } };
  const archive = memoryArchive();
  const check = async (options: unknown) => collector.check?.(withDefaults(collector, options), context);
  return {
    folder,
    context,
    archive,
    warnings: given.warnings,
    coverage: async (options) => collector.coverage?.(withDefaults(collector, options), context),
    log: () => JSON.stringify(lines),
    check,
    collect: async (options) => {
      await check(options);
      await collector.collect(withDefaults(collector, options), context, archive);
    },
  };
}

/** Writes what an archive got into a folder, where everybody may read it. */
export async function unpack({ entries }: MemoryArchive, folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const [path, content] of entries) {
    const target = join(folder, path);
    await mkdir(path.endsWith('/') ? target : dirname(target), { recursive: true });
    if (!path.endsWith('/')) await writeFile(target, content);
  }
}

/** A program for a test, in POSIX shell. */
export async function writeProgram(path: string, script: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** Until the end of a test programs are looked for in other folders: `bin:/usr/bin`. */
export function withPath(test: Pick<TestContext, 'after'>, path: string): void {
  const before = process.env.PATH;
  process.env.PATH = path;
  test.after(() => {
    process.env.PATH = before;
  });
}
