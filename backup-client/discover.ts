import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { type ConfigFile, readConfigFile } from '#common/config/config-file.ts';
import { parseDuration } from '#common/config/duration.ts';
import { Problems } from '#common/config/problems.ts';
import { parseYaml } from '#common/config/yaml-source.ts';
import { hasCode } from '#common/errors.ts';
import type { Collector } from '#common/plugin/collector.ts';
import { serviceSchema } from './service-schema.ts';

/** One service.yaml, ready to be run. */
export interface Service {
  readonly type: string;
  readonly name: string;
  readonly file: string;
  readonly tasks: readonly Task[];
  /** How long it may be stopped before that is a warning. */
  readonly maxDowntimeMs: number | undefined;
  /** How long starting it again may take. */
  readonly resumeTimeoutMs: number;
}

export interface Task {
  /** The key in service.yaml. */
  readonly key: string;
  readonly collector: Collector;
  /** Valid by the collector's schema. */
  readonly options: unknown;
}

/**
 * Every `<configDir>/<type>/…/service.yaml` or `.yml` one or two folders below its type, in the order of their paths. Adds
 * a problem for everything wrong, also when there is no service at all. With a `standIn` a key that no collector answers to
 * is no problem but a task of that one.
 */
export async function loadServices(
  configDir: string,
  collectors: readonly Collector[],
  problems: Problems,
  standIn?: Collector,
): Promise<readonly Service[]> {
  const files = await findServiceFiles(configDir, problems);
  if (files.length === 0) {
    problems.add({
      file: configDir,
      message: 'holds no <type>/<service>/service.yaml, so there is nothing to back up; see configs/examples',
    });
  }
  const closed = serviceSchema(collectors);
  const schema = standIn === undefined ? closed : { ...closed, additionalProperties: true };
  const collectorFor = (key: string) => collectors.find(({ taskKeys }) => taskKeys.includes(key)) ?? standIn;
  const services: Service[] = [];
  for (const path of files) {
    const file = await readConfigFile(path, schema, problems);
    if (file === undefined) continue;
    const service = serviceOf(path, typeOf(configDir, path), file, collectorFor);
    const twin = services.find(({ type, name }) => type === service.type && name === service.name);
    if (twin !== undefined)
      file.source.problemAt(['service', 'name'], `"${service.name}" is the name in ${twin.file} too`);
    services.push(service);
  }
  return services;
}

/** The keys of all tasks, also in files that are refused as a whole. */
export async function findTaskKeys(configDir: string): Promise<readonly string[]> {
  const unheard = new Problems();
  const keys = new Set<string>();
  for (const path of await findServiceFiles(configDir, unheard)) {
    const source = parseYaml(path, await readFile(path, 'utf8').catch(() => ''), unheard);
    for (const key of Object.keys(source?.value ?? {})) keys.add(key);
  }
  keys.delete('service');
  return [...keys];
}

/** Their paths, sorted; a problem for each that stands where it would be left out. */
export async function findServiceFiles(configDir: string, problems: Problems): Promise<string[]> {
  const found: string[] = [];
  await refuseServiceIn(configDir, problems);
  for (const type of await foldersIn(configDir)) {
    await refuseServiceIn(type, problems);
    for (const folder of await foldersIn(type)) {
      const below = await foldersIn(folder);
      for (const candidate of [folder, ...below]) found.push(...(await serviceFilesIn(candidate, problems)));
    }
  }
  return found.sort();
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}

/** A file too high up would be left out without a word, and its service with it. */
async function refuseServiceIn(folder: string, problems: Problems): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  for (const name of entries.filter(isServiceFile))
    problems.add({ file: join(folder, name), message: 'is in no folder <type>/<service>; move it into one' });
}

async function serviceFilesIn(folder: string, problems: Problems): Promise<string[]> {
  const names = (await readdir(folder)).filter(isServiceFile).sort();
  if (names.length === 2)
    problems.add({ file: join(folder, 'service.yml'), message: 'stands beside service.yaml; keep one of them' });
  return names.slice(0, 1).map((name) => join(folder, name));
}

function isServiceFile(name: string): boolean {
  return name === 'service.yaml' || name === 'service.yml';
}

function typeOf(configDir: string, path: string): string {
  return relative(configDir, path).split('/')[0] ?? basename(dirname(path));
}

type CollectorFor = (key: string) => Collector | undefined;

interface ServiceSection {
  readonly name: string;
  readonly max_downtime?: string;
  readonly resume_timeout?: string;
}

function serviceOf(path: string, type: string, file: ConfigFile, collectorFor: CollectorFor): Service {
  const { service, ...tasks } = file.value as { service: ServiceSection } & Record<string, unknown>;
  return {
    type,
    name: service.name,
    file: path,
    maxDowntimeMs: msOf(service.max_downtime),
    resumeTimeoutMs: msOf(service.resume_timeout) ?? 0,
    tasks: Object.entries(tasks).map(([key, options]) => {
      const collector = collectorFor(key);
      if (collector === undefined)
        throw new Error(`the schema let the task "${key}" pass, which no collector answers to`);
      return { key, collector, options };
    }),
  };
}

function msOf(duration: string | undefined): number | undefined {
  const seconds = duration === undefined ? undefined : parseDuration(duration);
  return seconds === undefined ? undefined : seconds * 1000;
}

/** The options have passed the collector's own schema, which is what its type is made from. */
export function collectorOf(task: Task): Collector<unknown> {
  return task.collector as Collector<unknown>;
}
