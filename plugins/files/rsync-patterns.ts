/** What rsync would do with a name: its first matching rule decides, and without one the name is taken. */
export interface RsyncRule {
  readonly action: 'exclude' | 'include';
  readonly pattern: string;
}

/**
 * Says for a path (relative to the transfer's root, as bytes in latin1) whether rules leave it out. Must be asked from
 * the top down: what is in a folder that was left out is never asked for, as in rsync.
 */
export type RsyncFilter = (path: string, isFolder: boolean) => boolean;

/** A line of `exclude:`; rsync's short rules `- PATTERN` and `+ PATTERN` are understood too. */
export function parseRule(text: string): RsyncRule {
  const match = /^([-+])[ _](.+)$/s.exec(text);
  return match === null
    ? { action: 'exclude', pattern: text }
    : { action: match[1] === '+' ? 'include' : 'exclude', pattern: match[2] ?? '' };
}

/** The meaning of rsync(1), FILTER RULES, "pattern matching rules". */
export function rsyncFilter(rules: readonly RsyncRule[]): RsyncFilter {
  const matchers = rules.map(({ action, pattern }) => ({
    action,
    matches: matcherOf(Buffer.from(pattern).toString('latin1')),
  }));
  return (path, isFolder) => matchers.find(({ matches }) => matches(path, isFolder))?.action === 'exclude';
}

function matcherOf(pattern: string): (path: string, isFolder: boolean) => boolean {
  const foldersOnly = pattern.endsWith('/') && pattern !== '/';
  const isAnchored = pattern.startsWith('/');
  const body = pattern.slice(isAnchored ? 1 : 0, foldersOnly ? -1 : undefined);
  if (body.endsWith('/***') && !foldersOnly) {
    const folder = expressionOf(body.slice(0, -'/***'.length), isAnchored);
    const below = expressionOf(`${body.slice(0, -'***'.length)}**`, isAnchored);
    return (path, isFolder) => (isFolder && folder.test(path)) || below.test(path);
  }
  const expression = expressionOf(body, isAnchored);
  return (path, isFolder) => (isFolder || !foldersOnly) && expression.test(path);
}

/**
 * A pattern without a slash (and without `**`) is compared with the last name, another one with the end of the path,
 * an anchored one with the whole path.
 */
function expressionOf(body: string, isAnchored: boolean): RegExp {
  const start = isAnchored ? '^' : '(?:^|/)';
  return new RegExp(`${start}${translate(body)}$`, 's');
}

/** Shell wildcards as a regular expression: `*` and `?` stop at slashes, `**` does not. */
function translate(body: string): string {
  const hasWildcards = /[*?[]/.test(body);
  let expression = '';
  for (let index = 0; index < body.length; index += 1) {
    const character = body[index] ?? '';
    if (character === '*') {
      const stars = /^\*+/.exec(body.slice(index))?.[0].length ?? 1;
      expression += stars > 1 ? '.*' : '[^/]*';
      index += stars - 1;
    } else if (character === '?') expression += '[^/]';
    else if (character === '[') {
      const set = translateSet(body, index);
      expression += set.expression;
      index = set.end;
    } else if (character === '\\' && hasWildcards) {
      index += 1;
      expression += escaped(body[index] ?? '\\');
    } else expression += escaped(character);
  }
  return expression;
}

/** `[a-z]`, `[!a-z]`, `[^a-z]`, `[[:alpha:]]`; a set that is never closed matches nothing. */
function translateSet(body: string, start: number): { expression: string; end: number } {
  let index = start + 1;
  const isNegated = body[index] === '!' || body[index] === '^';
  if (isNegated) index += 1;
  let content = '';
  for (let isFirst = true; index < body.length; isFirst = false, index += 1) {
    const character = body[index] ?? '';
    if (character === ']' && !isFirst) return { expression: `(?!/)[${isNegated ? '^' : ''}${content}]`, end: index };
    const named = /^\[:(\w+):\]/.exec(body.slice(index));
    if (named !== null) {
      content += classes[named[1] ?? ''] ?? '';
      index += named[0].length - 1;
    } else if (character === '\\') {
      index += 1;
      content += escapedInSet(body[index] ?? '');
    } else content += character === '-' ? '-' : escapedInSet(character);
  }
  return { expression: '(?!)', end: body.length };
}

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

function escaped(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function escapedInSet(character: string): string {
  return character.replace(/[\\\]^[-]/g, '\\$&');
}
