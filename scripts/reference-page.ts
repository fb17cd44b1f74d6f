import type { Schema } from '#common/config/json-schema.ts';
import type { Collector } from '#common/plugin/collector.ts';

export type CommonKeys = Readonly<
  Record<string, { readonly default: string | undefined; readonly description: string }>
>;

/** The reference of every configuration file, in Markdown, from its schema; each plugin's options have their own section. */
export function referencePage(
  common: CommonKeys,
  schemas: readonly Schema[],
  plugins: readonly Pick<Collector, 'name' | 'taskKeys' | 'schema'>[],
): string {
  const sections = [
    '# Configuration',
    'Made from the schemas by `npm run generate`; do not edit. All files are in `/etc/backup` (or `--config-dir`). They must belong to root and be writable by nobody else. Durations and sizes need a unit: `90s`, `15m`, `26h`, `30d`; `500MiB`, `10MB`. A key that is not known is an error.',
    '## common_config',
    'Optional. `KEY=value` lines as in a shell, but only read, never run. What the other files say comes first.',
    table(
      Object.entries(common).map(([key, { default: value, description }]) => [`\`${key}\``, code(value), description]),
    ),
    ...schemas.flatMap((schema) => schemaSections(schema, new Set(plugins.map(({ schema: options }) => options)))),
    ...plugins.flatMap(pluginSections),
  ];
  return `${sections.join('\n\n')}\n`;
}

interface Property {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly expected?: string;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly items?: Property;
  readonly anyOf?: readonly Property[];
  readonly required?: readonly string[];
  readonly title?: string;
}

/** One file; the options of plugins are left for their own sections. */
function schemaSections(schema: Schema, elsewhere: ReadonlySet<unknown>): string[] {
  const root = schema as Property;
  return [`## ${root.title}`, text(root.description), tableOf(rowsOf(root, '', elsewhere))];
}

function pluginSections({ name, taskKeys, schema }: Pick<Collector, 'name' | 'taskKeys' | 'schema'>): string[] {
  const root = schema as Property;
  const keys = taskKeys.map((key) => `\`${key}\``).join(' or ');
  return [
    `### ${name}`,
    `The key ${keys} of service.yaml: ${text(root.description)}`,
    tableOf(rowsOf({ ...root, items: {} }, '')),
  ];
}

type Row = readonly [key: string, type: string, value: string, description: string];

/** A row for each key, those of nested maps with their whole path. */
function rowsOf(property: Property, prefix: string, elsewhere: ReadonlySet<unknown> = new Set()): Row[] {
  return Object.entries(property.properties ?? {}).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    const isNeeded = property.required?.includes(key) === true;
    const row: Row = [
      `\`${path}\``,
      typeOf(value),
      isNeeded ? '**needed**' : code(value.default),
      elsewhere.has(value) ? `${text(value.description)} Its keys are below.` : text(value.description),
    ];
    if (elsewhere.has(value)) return [row];
    return [
      row,
      ...rowsOf(value, `${path}.`),
      ...rowsOf(value.items ?? {}, `${path}[].`),
      ...(value.items?.anyOf ?? []).flatMap((item) => rowsOf(item, `${path}[].`)),
    ];
  });
}

function typeOf({ type, format, enum: values, expected }: Property): string {
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (expected !== undefined) return text(expected);
  return [format ?? type ?? 'any']
    .flat()
    .map((name) => words[name] ?? name)
    .join(' or ');
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: 'true or false',
  array: 'list',
  object: 'map',
  'absolute-path': 'absolute path',
  'byte-size': 'size',
  'safe-name': 'name',
  'time-zone': 'time zone',
};

/** Markdown would take `<hostname>` for HTML and show nothing. */
function text(description = ''): string {
  return description.replaceAll('<', '\\<');
}

function tableOf(rows: readonly Row[]): string {
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...rows.map(line)].join('\n');
}

function table(rows: readonly (readonly string[])[]): string {
  return ['| key | default | meaning |', '|---|---|---|', ...rows.map(line)].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(value: unknown): string {
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return '';
  return `\`${typeof value === 'object' ? JSON.stringify(value) : String(value)}\``;
}
