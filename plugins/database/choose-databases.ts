import { BackupError } from '#common/errors.ts';

/** The options that name databases. */
export interface DatabaseChoice {
  readonly database?: string | undefined;
  readonly databases?: 'all' | readonly string[] | undefined;
}

/** What a server has. */
export interface KnownDatabases {
  /** Those that may be dumped. */
  readonly known: readonly string[];
  /** Those of them that `all` means. */
  readonly all: readonly string[];
}

/** The databases that are named, `all` when all are. */
export function namedDatabases({ database, databases }: DatabaseChoice): 'all' | readonly string[] {
  return databases ?? (database === undefined ? 'all' : [database]);
}

/** The names that a task dumps, each once. Throws a BackupError for one that the server does not have. */
export function chooseDatabases(
  choice: DatabaseChoice,
  { known, all }: KnownDatabases,
  { taskKey, listCommand }: { readonly taskKey: string; readonly listCommand: string },
): readonly string[] {
  const named = namedDatabases(choice);
  if (named === 'all') return all;
  const missing = named.filter((name) => !known.includes(name));
  if (missing.length === 0) return [...new Set(named)];
  throw new BackupError(`${taskKey}: the server has no database ${missing.join(', ')}`, {
    hint: `See "${listCommand}" as the same user; take out of service.yaml what is gone for good.`,
  });
}
