import { translateSet } from './wildcard-set.ts';

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

/**
 * The rules that `--exclude=TEXT` gives for each text, as rsync reads it: a pattern, `- PATTERN`, `+ PATTERN` (an
 * include), or `!`, which forgets the rules before it.
 */
export function rulesOf(texts: readonly string[]): readonly RsyncRule[] {
  return texts.slice(texts.lastIndexOf('!') + 1).map((text) => {
    const [, sign, pattern] = /^([-+]) (.+)$/s.exec(text) ?? [];
    return { action: sign === '+' ? 'include' : 'exclude', pattern: pattern ?? text };
  });
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
  const foldersOnly = pattern.length > 1 && pattern.endsWith('/');
  const body = foldersOnly ? pattern.slice(0, -1) : pattern;
  const expression = expressionOf(body);
  const endsInThreeStars = body.endsWith('***'); // `a/***` is `a/` and all below it
  return (path, isFolder) => {
    if (foldersOnly && !isFolder) return false;
    return expression.test(`/${path}${endsInThreeStars && isFolder ? '/' : ''}`);
  };
}

/**
 * To be tested on a path with a slash before it. A pattern that begins with a slash is compared with the whole path,
 * any other one with its end; a `**` at the beginning may stand for no name at all.
 */
function expressionOf(pattern: string): RegExp {
  const translated = /[*?[]/.test(pattern) ? translate(pattern) : escaped(pattern);
  if (translated === undefined) return /(?!)/;
  return new RegExp(`${startOf(pattern)}${translated}$`, 's');
}

function startOf(pattern: string): string {
  if (pattern.startsWith('/') || pattern.startsWith('**')) return '^';
  if (pattern.includes('**')) return '/';
  // as many names as the pattern has, by its slashes: also by one in a set, which then matches nothing
  const slashes = pattern.split('/').length - 1;
  return `/(?=[^/]*(?:/[^/]*){${slashes}}$)`;
}

/**
 * Wildcards as a regular expression: `*` and `?` stop at slashes, `**` does not. Undefined for a pattern that matches
 * nothing: a set that is never closed, a backslash at the end.
 */
function translate(pattern: string): string | undefined {
  let expression = '';
  for (let index = 0; index < pattern.length; ) {
    const character = pattern[index] ?? '';
    if (character === '[') {
      const set = translateSet(pattern, index);
      if (set === undefined) return undefined;
      expression += set.expression;
      index = set.end;
    } else if (character === '\\') {
      if (index + 1 === pattern.length) return undefined;
      expression += escaped(pattern[index + 1] ?? '');
      index += 2;
    } else {
      const [token = character] = /^\*+/.exec(pattern.slice(index)) ?? [];
      expression += wildcards[token[0] === '*' && token.length > 1 ? '**' : token] ?? escaped(token);
      index += token.length;
    }
  }
  return expression;
}

const wildcards: Readonly<Record<string, string>> = { '*': '[^/]*', '**': '.*', '?': '[^/]' };

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
