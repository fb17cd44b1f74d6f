import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { BackupError } from '../../errors.ts';
import type { Collector, CollectorContext, Intervention, RecoveryContext } from '../collector.ts';
import { lastWords } from '../run-plugin.ts';
import { callFunction, toolVariables } from './call-function.ts';
import type { ShellFunctions } from './shell-functions.ts';

/** Where one task has its files; plain JSON, since it is the state of what it stops. */
interface Place {
  readonly workFolder: string;
  readonly configFolder: string;
}

const optionsFile = ({ workFolder }: Place) => join(workFolder, 'task.yaml');
/** What lies here goes into the archive, but for `.state`, where the plugin notes what it has stopped. */
const backupFolder = ({ workFolder }: Place) => join(workFolder, 'backup');
/** Is there when the plugin has collected all. */
const collectedMark = ({ workFolder }: Place) => join(workFolder, 'collected');

function placeIn({ workFolder, configFolder }: CollectorContext): Place {
  return { workFolder, configFolder: resolve(configFolder) };
}

/**
 * A plugin of shell functions as a collector: validate → prepare (stops) → run → post, or emergency when it did not come to
 * the end of run.
 */
export function shellPlugin(plugin: ShellFunctions): Collector<unknown> {
  const { path, keys, functions } = plugin;
  const stops = ['plugin_prepare_backup', 'plugin_post_backup_success', 'plugin_emergency_cleanup'];
  return {
    name: nameOf(path),
    taskKeys: keys,
    phase: 'quiesced',
    schema: { description: `Options of ${path}, which looks at them itself.` },
    check: (options, context) =>
      withPlace(options, context, (place) => callWell(plugin, 'plugin_validate_config', place, context)),
    ...(stops.some((name) => functions.has(name)) && { stop: stopOf(plugin) }),
    async collect(options, context, archive) {
      const { taskKey } = context;
      const place = placeIn(context);
      await makePlace(place, options);
      await callWell(plugin, 'plugin_run_backup', place, context);
      const found = (await readdir(backupFolder(place))).filter((name) => name !== '.state');
      if (found.length === 0 && !functions.has('plugin_prepare_backup')) throw nothingMade(taskKey, path);
      const excludes = (below: string) => below === '.state' || below.startsWith('.state/');
      await archive.addTree({ source: backupFolder(place), as: taskKey, excludes });
      await writeFile(collectedMark(place), '');
    },
  };
}

function nameOf(path: string): string {
  const name = basename(path, '.sh')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_');
  return /^[a-z]/.test(name) ? name : `plugin_${name}`;
}

function stopOf(plugin: ShellFunctions): Intervention<unknown, Place> {
  const { path, functions } = plugin;
  return {
    plan: async (_options, context) => placeIn(context),
    describe: () => `what ${basename(path)} prepares`,
    async begin(place, context) {
      if (functions.has('plugin_prepare_backup')) await callWell(plugin, 'plugin_prepare_backup', place, context);
    },
    async end(place, context) {
      if (!(await isThere(backupFolder(place)))) throw stateIsGone(path, place);
      const isCollected = await isThere(collectedMark(place));
      await rm(collectedMark(place), { force: true }); // whatever comes now, it is an emergency afterwards
      if (isCollected && functions.has('plugin_post_backup_success')) await post(plugin, place, context);
      else if (functions.has('plugin_emergency_cleanup')) await emergency(plugin, place, context);
    },
  };
}

async function post(plugin: ShellFunctions, place: Place, context: RecoveryContext): Promise<void> {
  try {
    await callWell(plugin, 'plugin_post_backup_success', place, context);
  } catch (error) {
    if (!(error instanceof BackupError) || !plugin.functions.has('plugin_emergency_cleanup')) throw error;
    await emergency(plugin, place, context);
    context.warn(`${error.message}; plugin_emergency_cleanup has put it right`);
  }
}

function emergency(plugin: ShellFunctions, place: Place, context: RecoveryContext): Promise<void> {
  return callWell(plugin, 'plugin_emergency_cleanup', place, context);
}

type PluginFunction =
  | 'plugin_validate_config'
  | 'plugin_prepare_backup'
  | 'plugin_run_backup'
  | 'plugin_post_backup_success'
  | 'plugin_emergency_cleanup';

const timeouts: Partial<Record<PluginFunction, string>> = {
  plugin_validate_config: '5m',
  plugin_prepare_backup: '30m',
  plugin_run_backup: '6h',
};

/** Its warnings go into the report; a BackupError when its exit code is not 0. */
async function callWell(
  { path, dialect }: ShellFunctions,
  fn: PluginFunction,
  place: Place,
  { runner, tools, warn, taskKey }: RecoveryContext,
): Promise<void> {
  const backup = backupFolder(place);
  const folders = dialect === 'guide' ? [backup, backup] : [place.configFolder, backup];
  const args = fn === 'plugin_emergency_cleanup' ? [backup] : [optionsFile(place), ...folders];
  const env = { ...toolVariables(tools), TMPDIR: place.workFolder, WORK_DIR: place.workFolder };
  const result = await callFunction({ plugin: path, fn, args, env, timeout: timeouts[fn] }, runner);
  for (const [, warning] of result.stderr.matchAll(/^(?:.* - )?WARN ?: (.*)$/gm)) warn(`${taskKey}: ${warning}`);
  if (result.exitCode === 0) return;
  throw new BackupError(`${taskKey}: ${fn} of ${path} ended with exit code ${result.exitCode}${lastWords(result)}`, {
    hint: 'It must end with 0 when all went well. What it says on standard error is above.',
  });
}

/** Where a dry run has no work folder, there is one for the time of `fn`. */
async function withPlace<T>(options: unknown, context: CollectorContext, fn: (place: Place) => Promise<T>): Promise<T> {
  if (await isThere(context.workFolder)) return inPlace(placeIn(context), options, fn);
  const workFolder = await mkdtemp(join(tmpdir(), 'backup-plugin-'));
  try {
    return await inPlace(placeIn({ ...context, workFolder }), options, fn);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

async function inPlace<T>(place: Place, options: unknown, fn: (place: Place) => Promise<T>): Promise<T> {
  await makePlace(place, options);
  return fn(place);
}

/** The options are JSON, which is YAML too. */
async function makePlace(place: Place, options: unknown): Promise<void> {
  await mkdir(join(backupFolder(place), '.state'), { recursive: true, mode: 0o700 });
  await writeFile(optionsFile(place), options === null ? '' : `${JSON.stringify(options)}\n`, { mode: 0o600 });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function nothingMade(taskKey: string, path: string): BackupError {
  return new BackupError(`${taskKey}: plugin_run_backup of ${path} ended well and made nothing`, {
    hint: 'It must put what is to be saved into the backup folder that it is given.',
  });
}

function stateIsGone(path: string, place: Place): BackupError {
  return new BackupError(`${backupFolder(place)} is gone, where ${path} notes what it has stopped`, {
    hint: 'Look whether all that it stops runs again, then remove the file of /var/lib/backup/interventions that names it.',
  });
}
