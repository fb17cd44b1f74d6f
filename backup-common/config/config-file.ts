import { readFile } from 'node:fs/promises';
import { fileProblem } from './file-safety.ts';
import { checkSchema, type Schema } from './json-schema.ts';
import type { Problems } from './problems.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

export interface ConfigFile {
  readonly source: YamlSource;
  /** Valid by the schema, its defaults filled in. */
  readonly value: unknown;
}

/**
 * Reads one YAML file: rights → syntax → schema. Undefined after adding every problem found.
 */
export async function readConfigFile(
  path: string,
  schema: Schema,
  problems: Problems,
): Promise<ConfigFile | undefined> {
  const unsafe = await fileProblem(path, false);
  if (unsafe !== undefined) {
    problems.add(unsafe);
    return undefined;
  }
  const source = parseYaml(path, await readFile(path, 'utf8'), problems);
  if (source === undefined) return undefined;
  const value = checkSchema(source, schema);
  return value === undefined ? undefined : { source, value };
}
