import { open, realpath, stat } from 'node:fs/promises';
import { BackupError, hasCode } from '#common/errors.ts';

/** What a database's files look like at one moment. */
export interface DatabaseFile {
  /** Without symbolic links: SQLite's own files lie beside the target. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Differs as soon as somebody has written to the file. */
  readonly version: string;
  /** In WAL mode, and no program has it open: there is no write-ahead log with anything in it, and no index of one. */
  readonly isIdleWal: boolean;
}

/** Throws a BackupError when there is no database at the path. */
export async function lookAtDatabase(listed: string): Promise<DatabaseFile> {
  try {
    const path = await realpath(listed);
    const { mode, uid, gid, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    const { isDatabase, isWal } = parseHeader(await firstBytes(path));
    if (!isDatabase) throw noDatabase(listed);
    const isIdle = (await sizeOf(`${path}-wal`)) === 0 && (await sizeOf(`${path}-shm`)) === 0;
    return {
      path,
      mode: Number(mode) & 0o7777,
      uid: Number(uid),
      gid: Number(gid),
      version: [ino, size, mtimeNs, ctimeNs].join(' '),
      isIdleWal: isWal && isIdle,
    };
  } catch (cause) {
    if (hasCode(cause, 'EISDIR')) throw noDatabase(listed);
    if (!hasCode(cause, 'ENOENT') && !hasCode(cause, 'ENOTDIR')) throw cause;
    throw new BackupError(`sqlite: ${listed} does not exist`, { cause, hint: 'Correct the path in service.yaml.' });
  }
}

/** https://sqlite.org/fileformat2.html: 16 bytes of magic, and the versions for writing and reading, 2 for WAL. */
export function parseHeader(header: Buffer): { readonly isDatabase: boolean; readonly isWal: boolean } {
  const isDatabase = header.length === 20 && header.toString('latin1', 0, 16) === 'SQLite format 3\0';
  return { isDatabase, isWal: isDatabase && header[18] === 2 && header[19] === 2 };
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(20), 0, 20, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** 0 also for a file that is not there. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}

function noDatabase(path: string): BackupError {
  return new BackupError(`sqlite: ${path} is no SQLite database`, {
    hint: 'It does not begin as one does; an encrypted database (SQLCipher) or another file belongs into a files task.',
  });
}
