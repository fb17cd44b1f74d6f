import { BackupError } from '#common/errors.ts';

/** What a dump program's own options may not be, because the task would not work with them. */
export interface RefusedOptions {
  /** Without the dashes: `file`. Abbreviations are refused with them. */
  readonly long: readonly string[];
  /** Letters: `f`. */
  readonly short: string;
  /** Letters of all options that take a value, which may follow at once: `-fdump.sql`. */
  readonly shortWithValue: string;
}

/**
 * `dump_options`, a text that is split at blanks or a list, as words. Throws a BackupError when there is one that the
 * task gives itself or that would break it.
 */
export function dumpOptionsOf(
  taskKey: string,
  options: string | readonly string[] | undefined,
  refused: RefusedOptions,
): readonly string[] {
  const words = typeof options === 'string' ? options.split(/\s+/).filter((word) => word !== '') : (options ?? []);
  const bad = words.find((word) => isRefused(word, refused));
  if (bad === undefined) return words;
  throw new BackupError(`${taskKey}: dump_options has "${bad}", which cannot be given there`, {
    hint: 'Connection, password, databases, format and output have keys of their own; see the README of this task.',
  });
}

function isRefused(word: string, { long, short, shortWithValue }: RefusedOptions): boolean {
  const [, name] = /^--([^=]+)/.exec(word) ?? [];
  if (name !== undefined) return long.some((option) => option.startsWith(name));
  for (const letter of /^-([^-].*)$/s.exec(word)?.[1] ?? '') {
    if (short.includes(letter)) return true;
    if (shortWithValue.includes(letter)) return false;
  }
  return false;
}
