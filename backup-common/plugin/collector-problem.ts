import { schemaProblem } from '../config/json-schema.ts';

/** A name, and a key of service.yaml, as plain words. */
const word = /^[a-z][a-z0-9_]*$/;
const wordsAllowed = 'small letters, digits and "_", a letter first';

/** What a collector has, and what an intervention of it has. */
export const collectorFunctions = ['check', 'skip', 'prepare', 'collect', 'findAssets', 'coverage'] as const;
export const interventions = ['stop', 'snapshot', 'cleanup'] as const;
export const interventionFunctions = ['plan', 'describe', 'begin', 'end'] as const;

/** Keys of service.yaml that are taken, and who has each. */
export type TakenKeys = ReadonlyMap<string, string>;

/** Why a value from elsewhere is no collector that can be used; undefined when it is. */
export function collectorProblem(value: unknown, taken: TakenKeys): string | undefined {
  if (!isRecord(value)) return 'exports no collector, neither as default nor as "collector"';
  return (
    nameProblem(value.name) ??
    keysProblem(value.taskKeys, taken) ??
    (value.phase === 'live' || value.phase === 'quiesced' ? undefined : 'its phase must be "live" or "quiesced"') ??
    optionsProblem(value.schema) ??
    functionsProblem(value)
  );
}

function nameProblem(name: unknown): string | undefined {
  if (typeof name === 'string' && word.test(name)) return undefined;
  return `its name must be of ${wordsAllowed}, not ${shown(name)}`;
}

function keysProblem(keys: unknown, taken: TakenKeys): string | undefined {
  if (!Array.isArray(keys) || keys.length === 0) return 'it names no key of service.yaml that it answers to';
  for (const [index, key] of keys.entries()) {
    if (typeof key !== 'string' || !word.test(key)) return `a key must be of ${wordsAllowed}, not ${shown(key)}`;
    if (keys.indexOf(key) !== index) return `its key "${key}" is there twice`;
    const owner = taken.get(key);
    if (owner !== undefined) return `its key "${key}" is that of ${owner}`;
  }
  return undefined;
}

function optionsProblem(schema: unknown): string | undefined {
  if (!isRecord(schema)) return 'its schema must be a JSON Schema, a map of keys';
  const problem = schemaProblem(schema);
  return problem === undefined ? undefined : `its schema is no JSON Schema that can be used: ${problem}`;
}

function functionsProblem(value: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof value.collect !== 'function') return 'it has no function collect';
  const wrong = collectorFunctions.find((name) => value[name] !== undefined && typeof value[name] !== 'function');
  if (wrong !== undefined) return `its ${wrong} is no function`;
  for (const kind of interventions) {
    const intervention = value[kind];
    if (intervention === undefined) continue;
    const needed = kind === 'snapshot' ? [...interventionFunctions, 'isComplete'] : interventionFunctions;
    const missing = needed.find((name) => !isRecord(intervention) || typeof intervention[name] !== 'function');
    if (missing !== undefined) return `its ${kind} has no function ${missing}`;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
