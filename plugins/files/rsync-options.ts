import { BackupError } from '#common/errors.ts';

/**
 * The `--exclude` and `--include` of the original's `rsync_options`, as lines of `exclude:`. Files are not copied by
 * rsync here, so no other option applies, and one that is there is refused: nobody shall think that it works.
 */
export function excludesInOptions(options: string | readonly string[] | undefined): readonly string[] {
  const words = typeof options === 'string' ? options.split(/\s+/).filter((word) => word !== '') : [...(options ?? [])];
  const excludes: string[] = [];
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const [, kind, written] = /^--(exclude|include)(?:=(.+))?$/s.exec(word) ?? [];
    const pattern = kind === undefined ? undefined : (written ?? words.shift());
    if (pattern === undefined) throw doesNotApply(word);
    excludes.push(lineOf(kind === 'include', pattern.replace(/^(["'])(.*)\1$/s, '$2')));
  }
  return excludes;
}

/** An include is written with a sign, except where its pattern already has one. */
function lineOf(isInclude: boolean, pattern: string): string {
  return isInclude && pattern !== '!' && !/^[-+] ./s.test(pattern) ? `+ ${pattern}` : pattern;
}

function doesNotApply(word: string): BackupError {
  return new BackupError(`files: rsync_options has "${word}", which does not apply here`, {
    hint: 'Only --exclude=PATTERN and --include=PATTERN do; all attributes of files are saved anyway. Remove the rest.',
  });
}
