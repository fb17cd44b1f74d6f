import { BackupError } from '#common/errors.ts';
import type { RsyncRule } from './rsync-patterns.ts';

/** The rules in the original's `rsync_options`. Files are not copied by rsync here, so no other option applies. */
export function rulesInOptions(options: string | readonly string[] | undefined): readonly RsyncRule[] {
  const words = typeof options === 'string' ? options.split(/\s+/).filter((word) => word !== '') : [...(options ?? [])];
  const rules: RsyncRule[] = [];
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const match = /^--(exclude|include)(?:=(.+))?$/s.exec(word);
    const pattern = match === null ? undefined : (match[2] ?? words.shift());
    if (match === null || pattern === undefined) {
      throw new BackupError(`files: rsync_options has "${word}", which does not apply here`, {
        hint: 'Only --exclude=PATTERN and --include=PATTERN do; all attributes of files are saved anyway. Remove the rest.',
      });
    }
    rules.push({
      action: match[1] === 'include' ? 'include' : 'exclude',
      pattern: pattern.replace(/^(["'])(.*)\1$/, '$2'),
    });
  }
  return rules;
}
