import { Ajv, type ErrorObject, type Options } from 'ajv';
import { messagesOf } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { parseByteSize } from './byte-size.ts';
import { parseDuration } from './duration.ts';
import type { KeyPath, YamlSource } from './yaml-source.ts';

/** A JSON Schema as TypeScript `as const`; our types, editor schemas and reference page come from the same object. */
export type Schema = Readonly<Record<string, unknown>>;

/** Texts with a meaning of their own: what they must look like, and the words for those that do not. */
const formats: Readonly<Record<string, { readonly test: (text: string) => boolean; readonly expected: string }>> = {
  duration: {
    test: (text) => parseDuration(text) !== undefined,
    expected: 'a duration with a unit, such as 90s, 15m, 26h or 30d',
  },
  'byte-size': {
    test: (text) => (parseByteSize(text) ?? 0) > 0,
    expected: 'a size above 0 with a unit, such as 500MiB or 10GB',
  },
  'absolute-path': { test: (text) => text.startsWith('/') && !text.includes('\0'), expected: 'an absolute path' },
  'safe-name': {
    test: (text) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(text) && text.length <= 200,
    expected: 'a name of letters, digits, ".", "_" and "-" that does not begin with "." or "-"',
  },
  'time-zone': { test: isTimeZone, expected: 'a time zone such as Europe/Berlin' },
};

function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

/**
 * Checks a parsed file against its schema, which has no `schemaProblem`, and fills in the schema's defaults. Adds a problem
 * for everything wrong, in place; undefined when there was any.
 */
export function checkSchema(source: YamlSource, schema: Schema): unknown {
  const value: unknown = structuredClone(source.value ?? {});
  const validate = compiler({ validateSchema: false, meta: false }).compile(schema);
  if (validate(value)) return value;
  for (const error of withoutBranches(validate.errors ?? [])) addProblem(source, error);
  return undefined;
}

/** Why a schema from elsewhere cannot be that of a key within ours; undefined when it can. */
export function schemaProblem(schema: Schema): string | undefined {
  try {
    compiler().compile({ properties: { key: schema } });
    return undefined;
  } catch (error) {
    return messagesOf(error)[0];
  }
}

/** The code it makes runs once, so nothing is done to make that fast. */
function compiler(options: Options = {}): Ajv {
  const tolerant = { allErrors: true, useDefaults: true, allowUnionTypes: true, strictTypes: false, verbose: true };
  const ajv = new Ajv({ ...tolerant, code: { optimize: false }, ...options });
  ajv.addVocabulary(['expected']);
  for (const [name, { test }] of Object.entries(formats)) ajv.addFormat(name, test);
  return ajv;
}

/** Of alternatives only the last word is of use, not why each of them did not fit. */
function withoutBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const alternatives = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  const isBranch = (error: ErrorObject) =>
    alternatives.some((of) => of !== error && error.schemaPath.startsWith(`${of.schemaPath}/`));
  return errors.filter((error) => !isBranch(error));
}

function addProblem(source: YamlSource, error: ErrorObject): void {
  const path = pathOf(error.instancePath, source.value);
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty);
    source.problemAtKey([...path, key], unknownKey(key, error.parentSchema));
  } else if (error.keyword === 'required') {
    const key = String(error.params.missingProperty);
    source.problemAt(path, `the key "${key}" is missing${describe(error.parentSchema, key)}`);
  } else source.problemAt(path, messageOf(error));
}

function pathOf(pointer: string, root: unknown): KeyPath {
  const path: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(key) : key);
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return path;
}

function unknownKey(key: string, schema: ErrorObject['parentSchema']): string {
  const known = Object.keys((schema?.properties ?? {}) as object);
  const near = nearest(key, known);
  return near === undefined
    ? `is no known key; known are ${known.join(', ')}`
    : `is no known key; did you mean "${near}"?`;
}

function describe(schema: ErrorObject['parentSchema'], key: string): string {
  const properties = (schema?.properties ?? {}) as Record<string, { description?: string }>;
  const description = properties[key]?.description;
  return description === undefined ? '' : ` (${description.replace(/\.$/, '')})`;
}

function messageOf(error: ErrorObject): string {
  const expected: unknown = error.parentSchema?.expected;
  if (typeof expected === 'string') return `must be ${expected}`;
  if (error.keyword === 'format')
    return `must be ${formats[String(error.params.format)]?.expected ?? error.params.format}`;
  if (error.keyword === 'enum') return `must be one of ${(error.params.allowedValues as unknown[]).join(', ')}`;
  if (error.keyword === 'type') return `must be ${typeWords(error.params.type)}, not ${shown(error.data)}`;
  if (isEmptiness(error)) return 'must not be empty';
  return error.message ?? `breaks the rule "${error.keyword}"`;
}

function isEmptiness({ keyword, params }: ErrorObject): boolean {
  return ['minItems', 'minLength', 'minProperties'].includes(keyword) && params.limit === 1;
}

/** A value in a message: one line, whatever it holds. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a map of keys';
  return JSON.stringify(value);
}

const words: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  null: 'empty',
};

function typeWords(type: unknown): string {
  return [type]
    .flat()
    .map((name) => words[String(name)] ?? String(name))
    .join(' or ');
}
