import type { CheckedSource } from '#common/archive/file-range-source.ts';
import { BackupError } from '#common/errors.ts';

export interface EntryFacts {
  readonly type: 'file' | 'folder' | 'other';
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

export interface ListedEntry extends EntryFacts {
  readonly name: string;
}

/** The few things a drop folder needs of a file system, here or over SFTP. Every failure is a BackupError. */
export interface FileAccess {
  /** A path as messages show it, with account and address where there are some. */
  describe(path: string): string;
  /** Follows links; undefined when there is nothing. */
  stat(path: string): Promise<EntryFacts | undefined>;
  /** Looks at a link itself; undefined when there is nothing. */
  lstat(path: string): Promise<EntryFacts | undefined>;
  /** Tells of links themselves. */
  list(folder: string): Promise<readonly ListedEntry[]>;
  /** Opens a regular file; a link or anything else is refused. */
  open(path: string): Promise<CheckedSource>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Mode 0770. */
  makeFolder(path: string): Promise<void>;
  close(): Promise<void>;
}

/** Why a file system said no, as far as the administrator would act differently. */
export type Refusal = 'missing' | 'denied' | 'other';

/** `what` says what was tried, for example `list /var/backups`. */
export function accessFailure(what: string, refusal: Refusal, cause: unknown): BackupError {
  const reason = {
    missing: 'no such file or folder',
    denied: 'permission denied',
    other: cause instanceof Error ? cause.message : String(cause),
  }[refusal];
  const hint = {
    missing: 'Compare remote_tar_dir with base_backup_dir in the client’s client_config.yml.',
    denied: 'The fetching account must be backup_user or in backup_group of the client’s client_config.yml.',
    other: 'Look at the space, the quota and the file system there.',
  }[refusal];
  return new BackupError(`cannot ${what}: ${reason}`, { cause, hint });
}
