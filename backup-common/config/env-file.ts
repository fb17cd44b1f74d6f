import type { Problems } from './problems.ts';

/**
 * The assignments of a shell-like file: `KEY=value`, optionally with `export`, quotes and comments. It is read, never
 * run: anything a shell would have to work out (`$`, backquotes, several words) is a problem.
 */
export function parseEnvFile(file: string, text: string, problems: Problems): ReadonlyMap<string, EnvValue> {
  const values = new Map<string, EnvValue>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const problem = (column: number, message: string) => problems.add({ file, line: index + 1, column, message });
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^(\s*(?:export\s+)?)([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    const [, before = '', key = '', raw = ''] = match ?? [];
    const value = unquote(raw.replace(/[ \t]+$/, ''));
    const column = before.length + key.length + 2;
    if (match === null) problem(1, 'is no KEY=value');
    else if (value === undefined)
      problem(column, `the value of ${key} would need a shell to understand; write it plainly`);
    else values.set(key, { value, line: index + 1, column });
  }
  return values;
}

export interface EnvValue {
  readonly value: string;
  readonly line: number;
  readonly column: number;
}

/** What bash would make of it, or undefined where it would do more than take off quotes. */
function unquote(raw: string): string | undefined {
  const [, single] = /^'([^']*)'(?:[ \t]+#.*)?$/.exec(raw) ?? [];
  if (single !== undefined) return single;
  const [, double] = /^"((?:[^"\\$`]|\\["\\$`])*)"(?:[ \t]+#.*)?$/.exec(raw) ?? [];
  if (double !== undefined) return double.replace(/\\(["\\$`])/g, '$1');
  const [, bare] = /^((?!~)(?:[^\s"'\\$`;&|<>():]|:(?!~))*)(?:[ \t]+#.*)?$/.exec(raw) ?? [];
  return bare;
}
