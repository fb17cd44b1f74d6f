import type { Schema } from '#common/config/json-schema.ts';

export type CommonKeys = Readonly<
  Record<string, { readonly default: string | undefined; readonly description: string }>
>;

/** The reference of every configuration file, in Markdown, from its schema. */
export function referencePage(common: CommonKeys, schemas: readonly Schema[]): string {
  const sections = [
    '# Configuration',
    'Made from the schemas by `npm run generate`; do not edit. All files are in `/etc/backup` (or `--config-dir`). They must belong to root and be writable by nobody else. Durations and sizes need a unit: `90s`, `15m`, `26h`, `30d`; `500MiB`, `10MB`.',
    '## common_config',
    'Optional. `KEY=value` lines as in a shell, but only read, never run. What the other files say comes first.',
    table(
      Object.entries(common).map(([key, { default: value, description }]) => [`\`${key}\``, code(value), description]),
    ),
    ...schemas.flatMap(schemaSections),
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

function schemaSections(schema: Schema): string[] {
  const root = schema as Property;
  const rows = rowsOf(root, '');
  return [`## ${root.title}`, root.description ?? '', tableOf(rows)];
}

type Row = readonly [key: string, type: string, value: string, description: string];

/** A row for each key, those of nested maps with their whole path. */
function rowsOf(property: Property, prefix: string): Row[] {
  return Object.entries(property.properties ?? {}).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    const isNeeded = property.required?.includes(key) === true;
    const row: Row = [
      `\`${path}\``,
      typeOf(value),
      isNeeded ? '**needed**' : code(value.default),
      value.description ?? '',
    ];
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
  if (expected !== undefined) return expected;
  return format ?? [type ?? 'any'].flat().join(' or ');
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
