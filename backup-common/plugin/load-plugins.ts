import type { Problem } from '../config/problems.ts';
import { BackupError, messagesOf } from '../errors.ts';
import type { Runner } from '../process/runner.ts';
import type { Collector } from './collector.ts';
import { collectorProblem } from './collector-problem.ts';
import { describePlugin } from './executable/executable-plugin.ts';
import { guardedCollector, importPlugin } from './module-plugin.ts';
import { findPluginFiles, type PluginFile } from './plugin-files.ts';
import { readShellFunctions } from './shell/shell-functions.ts';
import { shellPlugin } from './shell/shell-plugin.ts';

/** A plugin of the user's own that can be used. */
export interface LoadedPlugin extends PluginFile {
  /** Undefined for shell functions that answer to none of the keys that are used. */
  readonly collector: Collector | undefined;
}

export interface LoadedPlugins {
  readonly plugins: readonly LoadedPlugin[];
  readonly refused: readonly Problem[];
}

export interface PluginTools {
  readonly runner: Runner;
  /** They keep their keys. */
  readonly builtIn: readonly Collector[];
  /** The keys that are used: shell functions can only be asked for one after the other. */
  readonly wantedKeys: readonly string[];
}

/** Loads all plugins of a folder in the order of their names; the first that answers to a key has it. */
export async function loadPlugins(
  folder: string,
  { runner, builtIn, wantedKeys }: PluginTools,
): Promise<LoadedPlugins> {
  const { files, refused } = await findPluginFiles(folder);
  const taken = new Map([['service', 'the service itself']]);
  for (const { name, taskKeys } of builtIn)
    for (const key of taskKeys) taken.set(key, `the built-in collector ${name}`);
  const plugins: LoadedPlugin[] = [];
  const problems = [...refused];
  for (const file of files) {
    const open = wantedKeys.filter((key) => !taken.has(key));
    try {
      const collector = await loadCollector(file, open, runner);
      const problem = collector === undefined ? undefined : collectorProblem(collector, taken);
      if (problem !== undefined) throw new BackupError(problem);
      for (const key of collector?.taskKeys ?? []) taken.set(key, file.path);
      plugins.push({ ...file, collector: collector as Collector });
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      const hint = error.hint === undefined ? '' : `. ${error.hint}`;
      problems.push({ file: file.path, message: `${messagesOf(error).join(': ')}${hint}` });
    }
  }
  return { plugins, refused: problems.sort((a, b) => (a.file < b.file ? -1 : 1)) };
}

async function loadCollector(
  { path, kind }: PluginFile,
  wantedKeys: readonly string[],
  runner: Runner,
): Promise<Collector<unknown> | undefined> {
  switch (kind) {
    case 'module':
      return moduleCollector(path);
    case 'executable':
      return describePlugin(path, runner);
    case 'shell functions': {
      const functions = await readShellFunctions(path, wantedKeys, runner);
      return functions.keys.length === 0 ? undefined : shellPlugin(functions);
    }
    default:
      return kind satisfies never;
  }
}

async function moduleCollector(path: string): Promise<Collector<unknown>> {
  const exported = await importPlugin(path);
  const problem = collectorProblem(exported, new Map());
  if (problem !== undefined) throw new BackupError(problem);
  return guardedCollector(exported as Collector<unknown>, path);
}
