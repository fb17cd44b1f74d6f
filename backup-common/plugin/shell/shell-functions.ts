import { BackupError } from '../../errors.ts';
import type { Runner } from '../../process/runner.ts';
import { lastWords } from '../run-plugin.ts';
import { callFunction } from './call-function.ts';

/** What a file of shell functions turns out to be. */
export interface ShellFunctions {
  readonly path: string;
  /** The keys of service.yaml that it answers to, of those that were asked for. */
  readonly keys: readonly string[];
  /** The functions that it defines. */
  readonly functions: ReadonlySet<string>;
  /** `guide`: a function's second argument is the backup folder, as the guide for such plugins had it. */
  readonly dialect: 'core' | 'guide';
}

const needed = ['plugin_handles_task_type', 'plugin_validate_config', 'plugin_run_backup'];

/** No service.yaml has a task of this name. */
const nonsenseKey = 'no_task_has_this_name';

/**
 * Sources a plugin and asks it for each key whether that is its own. By the guide it prints its key, and so seems to say yes
 * to all: one that says yes to a nonsense key is taken at what it prints.
 */
export async function readShellFunctions(
  path: string,
  wantedKeys: readonly string[],
  runner: Runner,
): Promise<ShellFunctions> {
  const functions = await definedIn(path, runner);
  const missing = needed.find((name) => !functions.has(name));
  if (missing !== undefined) throw new BackupError(`it defines no function ${missing}`);
  const printed = await handles(path, nonsenseKey, runner);
  if (printed !== undefined) return { path, functions, keys: [keyPrinted(printed)], dialect: 'guide' };
  const keys: string[] = [];
  for (const key of wantedKeys) if ((await handles(path, key, runner)) !== undefined) keys.push(key);
  return { path, functions, keys, dialect: 'core' };
}

async function definedIn(plugin: string, runner: Runner): Promise<ReadonlySet<string>> {
  const result = await callFunction({ plugin, timeout: '10s' }, runner);
  if (result.exitCode !== 0)
    throw new BackupError(`cannot be sourced: exit code ${result.exitCode}${lastWords(result)}`);
  return new Set([...result.stdout.matchAll(/^declare -f\w* (plugin_\w+)$/gm)].map(([, name = '']) => name));
}

/** What it prints when it says yes; undefined when it says no. */
async function handles(plugin: string, key: string, runner: Runner): Promise<string | undefined> {
  const call = { plugin, fn: 'plugin_handles_task_type', args: [key], timeout: '10s' };
  const { exitCode, stdout } = await callFunction(call, runner);
  return exitCode === 0 ? stdout : undefined;
}

function keyPrinted(printed: string): string {
  const key = printed.trim().split('\n').at(-1)?.trim() ?? '';
  if (/^[a-z][a-z0-9_]*$/.test(key)) return key;
  throw new BackupError('its plugin_handles_task_type says yes to every key, and prints none');
}
