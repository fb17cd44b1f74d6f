import { BackupError, type BackupErrorOptions } from '../errors.ts';
import { type FilePlace, type HashedRange, readHashed, writeAt } from './hashed-range.ts';
import { type PackRequest, type PackResult, packMembers } from './pack-members.ts';
import { type UnpackRequest, type UnpackResult, unpackItems } from './unpack-items.ts';

/** Work on an archive's bytes that needs no more than these bytes, and so can be done on any thread. */
export interface ArchiveWork {
  /** Makes members. The request's `data` is taken away from the caller. */
  pack(request: PackRequest): Promise<PackResult>;
  /** Whether the bytes of a range are those of its hashes; if so, they are copied. Rejects with a BackupError. */
  copy(range: HashedRange, target: FilePlace): Promise<boolean>;
  /** Whether the bytes of a range are those of its hashes. Rejects with a BackupError. */
  check(range: HashedRange): Promise<boolean>;
  /** Unpacks and checks members. The request's `data` is taken away from the caller. Rejects with a BackupError. */
  unpack(request: UnpackRequest): Promise<UnpackResult>;
  /** Takes bytes back that `unpack` gave, whose memory is used again. Nobody may read them any more. */
  recycle(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** A piece of work as it goes to a thread. */
export type WorkRequest =
  | { readonly type: 'pack'; readonly request: PackRequest }
  | { readonly type: 'check'; readonly range: HashedRange; readonly target?: FilePlace }
  | { readonly type: 'unpack'; readonly request: UnpackRequest; readonly room: ArrayBuffer };

/** What comes back; a message where it failed, or what a BackupError is made of again. */
export type WorkResult =
  | { readonly type: 'packed'; readonly result: PackResult }
  | { readonly type: 'checked'; readonly isRight: boolean }
  | { readonly type: 'unpacked'; readonly result: UnpackResult }
  | { readonly type: 'refused'; readonly message: string; readonly options: BackupErrorOptions }
  | { readonly type: 'failed'; readonly message: string };

/** Does a piece of work at once. */
export function perform(work: WorkRequest): WorkResult {
  try {
    if (work.type === 'pack') return { type: 'packed', result: packMembers(work.request) };
    if (work.type === 'unpack') return { type: 'unpacked', result: unpackItems(work.request, work.room) };
    const bytes = readHashed(work.range);
    if (bytes !== undefined && work.target !== undefined) writeAt(work.target, bytes);
    return { type: 'checked', isRight: bytes !== undefined };
  } catch (error) {
    if (error instanceof BackupError) return { type: 'refused', message: error.message, options: optionsOf(error) };
    return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/** What can be sent from one thread to another; causes are for whoever looks into the code. */
function optionsOf({ hint, kind, exitCode }: BackupError): BackupErrorOptions {
  return { exitCode, ...(hint !== undefined && { hint }), ...(kind !== undefined && { kind }) };
}

/** The methods of `ArchiveWork` over one function that gets a piece done. */
export function archiveWork(
  work: (request: WorkRequest, transfer: readonly ArrayBufferLike[]) => Promise<WorkResult>,
  close: () => Promise<void>,
): ArchiveWork {
  const rooms: ArrayBuffer[] = [];
  return {
    async pack(request) {
      const done = await work({ type: 'pack', request }, [request.data.buffer]);
      if (done.type === 'packed') return done.result;
      throw failed('pack', done);
    },
    async copy(range, target) {
      const done = await work({ type: 'check', range, target }, []);
      if (done.type === 'checked') return done.isRight;
      throw failed('copy', done);
    },
    async check(range) {
      const done = await work({ type: 'check', range }, []);
      if (done.type === 'checked') return done.isRight;
      throw failed('read', done);
    },
    async unpack(request) {
      const room = rooms.pop() ?? new ArrayBuffer(0);
      const done = await work({ type: 'unpack', request, room }, [request.data.buffer, room]);
      if (done.type === 'unpacked') return done.result;
      throw failed('unpack', done);
    },
    recycle(bytes) {
      rooms.push(bytes.buffer as ArrayBuffer);
    },
    close,
  };
}

function failed(what: string, done: WorkResult): Error {
  if (done.type === 'refused') return new BackupError(done.message, done.options);
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
