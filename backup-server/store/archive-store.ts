import type { CheckedSource } from '#common/archive/file-range-source.ts';

export interface StoredFile {
  readonly fileName: string;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/** What was seen of the lock that the client holds while names change in its drop folder. */
export type LockLook =
  | { readonly held: false }
  | {
      readonly held: true;
      readonly mtimeMs: number;
      /** What the client wrote about itself, when that can be read. */
      readonly owner: string | undefined;
    };

/**
 * The drop folder of one host, wherever it is. Every failure is a BackupError with a hint; its kind is `unreachable`
 * when there was no connection at all and `connection-lost` when it broke later.
 */
export interface ArchiveStore {
  /** For messages: the folder, with account and address where there are some. */
  readonly name: string;
  /** A look that fails is an error and never means "free". */
  lookAtLock(): Promise<LockLook>;
  /** The regular files in the folder; links, folders and whatever else are not among them. */
  list(): Promise<readonly StoredFile[]>;
  open(fileName: string): Promise<CheckedSource>;
  /** Moves it into `done/` and removes the older archives of this host there. */
  move(fileName: string): Promise<void>;
  remove(fileName: string): Promise<void>;
  close(): Promise<void>;
}
