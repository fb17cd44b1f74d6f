/** A set such as `[a-z]` as part of a regular expression, and where the pattern goes on after it. */
export interface TranslatedSet {
  readonly expression: string;
  readonly end: number;
}

/**
 * The set that begins with the `[` at `start`: `[a-z]`, `[!a-z]`, `[^a-z]`, `[[:alpha:]]`, with `\` before a character
 * that is meant as itself. No set matches a slash. Undefined for one that is never closed or names an unknown class:
 * a pattern with such a set matches nothing.
 */
export function translateSet(pattern: string, start: number): TranslatedSet | undefined {
  const isNegated = pattern[start + 1] === '!' || pattern[start + 1] === '^';
  const first = start + (isNegated ? 2 : 1);
  let content = '';
  for (let index = first; index < pattern.length; ) {
    if (pattern[index] === ']' && index > first) return { expression: setOf(content, isNegated), end: index + 1 };
    const item = itemAt(pattern, index);
    if (item === undefined) return undefined;
    content += item.expression;
    index = item.end;
  }
  return undefined;
}

function setOf(content: string, isNegated: boolean): string {
  return `(?!/)[${isNegated ? '^' : ''}${content}]`;
}

function itemAt(pattern: string, start: number): TranslatedSet | undefined {
  const [named, name] = /^\[:([^\]]*):\]/.exec(pattern.slice(start)) ?? [];
  if (named !== undefined) {
    const expression = classes[name ?? ''];
    return expression === undefined ? undefined : { expression, end: start + named.length };
  }
  const low = characterAt(pattern, start);
  if (low === undefined) return undefined;
  const isRange = pattern[low.end] === '-' && ![']', undefined].includes(pattern[low.end + 1]);
  if (!isRange) return { expression: byte(low.code), end: low.end };
  const high = characterAt(pattern, low.end + 1);
  if (high === undefined) return undefined;
  // the low end of a range that runs backwards still counts by itself
  return { expression: byte(low.code) + (low.code <= high.code ? `-${byte(high.code)}` : ''), end: high.end };
}

function characterAt(pattern: string, start: number): { readonly code: number; readonly end: number } | undefined {
  const index = pattern[start] === '\\' ? start + 1 : start;
  return index < pattern.length ? { code: pattern.charCodeAt(index), end: index + 1 } : undefined;
}

function byte(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`;
}

/** In the C locale: bytes above 0x7f belong to none. */
const classes: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: ' \\t\\n\\r\\f\\v',
  punct: '!-/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  print: ' -~',
  graph: '!-~',
};
