import { BackupError } from '../errors.ts';
import { type PackRequest, type PackResult, packMembers } from './pack-members.ts';
import { type HashedRange, readHashed } from './read-hashed.ts';

/** Work on an archive's bytes that needs no more than these bytes, and so can be done on any thread. */
export interface ArchiveWork {
  /** Makes members. The request's `data` is taken away from the caller. */
  pack(request: PackRequest): Promise<PackResult>;
  /** The bytes of a range, undefined when they are not those of its hashes. Rejects with a BackupError. */
  read(range: HashedRange): Promise<Uint8Array | undefined>;
  /** Whether the bytes of a range are those of its hashes. Rejects with a BackupError. */
  check(range: HashedRange): Promise<boolean>;
  close(): Promise<void>;
}

/** A piece of work as it goes to a thread. */
export type WorkRequest =
  | { readonly type: 'pack'; readonly request: PackRequest }
  | { readonly type: 'read' | 'check'; readonly range: HashedRange };

/** What comes back; a message where it failed. */
export type WorkResult =
  | { readonly type: 'packed'; readonly result: PackResult }
  | { readonly type: 'read'; readonly bytes: Uint8Array | undefined }
  | { readonly type: 'checked'; readonly isRight: boolean }
  | { readonly type: 'failed'; readonly message: string };

/** Does a piece of work at once. */
export function perform(work: WorkRequest): WorkResult {
  try {
    if (work.type === 'pack') return { type: 'packed', result: packMembers(work.request) };
    const bytes = readHashed(work.range);
    return work.type === 'read' ? { type: 'read', bytes } : { type: 'checked', isRight: bytes !== undefined };
  } catch (error) {
    return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/** The methods of `ArchiveWork` over one function that gets a piece done. */
export function archiveWork(
  work: (request: WorkRequest, transfer: readonly ArrayBufferLike[]) => Promise<WorkResult>,
  close: () => Promise<void>,
): ArchiveWork {
  return {
    async pack(request) {
      const done = await work({ type: 'pack', request }, [request.data.buffer]);
      if (done.type === 'packed') return done.result;
      throw failed('pack', done);
    },
    async read(range) {
      const done = await work({ type: 'read', range }, []);
      if (done.type === 'read') return done.bytes;
      throw failed('read', done);
    },
    async check(range) {
      const done = await work({ type: 'check', range }, []);
      if (done.type === 'checked') return done.isRight;
      throw failed('read', done);
    },
    close,
  };
}

function failed(what: string, done: WorkResult): Error {
  if (done.type === 'failed') return new BackupError(`cannot ${what} members of an archive: ${done.message}`);
  return new Error(`a thread was asked to ${what} and answered otherwise`);
}

/** On the caller's own thread: for little work, and where threads are not worth their start. */
export function workInPlace(): ArchiveWork {
  return archiveWork(
    async (request) => perform(request),
    async () => undefined,
  );
}
