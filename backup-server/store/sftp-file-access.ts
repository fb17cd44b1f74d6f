import { type CheckedSource, notPlain } from '#common/archive/file-range-source.ts';
import { BackupError } from '#common/errors.ts';
import { accessFailure, type EntryFacts, type FileAccess, type ListedEntry, type Refusal } from './file-access.ts';
import type { RateLimiter } from './rate-limit.ts';
import { sftpRangeSource } from './sftp-range-source.ts';
import type { Answer, SftpRequests, SftpSession } from './sftp-session.ts';

/** The numbers of the protocol's answers (draft-ietf-secsh-filexfer-02, section 7). */
const noSuchFile = 2;
const permissionDenied = 3;

interface Attributes {
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** Files of the host at the other end of the session, which `close` ends. */
export function sftpFileAccess(session: SftpSession, limiter: RateLimiter): FileAccess {
  const describe = (path: string) => `${session.target.user}@${session.target.address}:${path}`;

  async function attempt<T>(what: string, send: (sftp: SftpRequests, answer: Answer<T>) => void): Promise<T> {
    try {
      return await session.request(send);
    } catch (error) {
      throw isStatus(error) ? accessFailure(what, refusalOf(error), error) : error;
    }
  }

  async function look(path: string, send: (sftp: SftpRequests, answer: Answer<Attributes>) => void) {
    try {
      return factsOf(await session.request(send));
    } catch (error) {
      if (isStatus(error, noSuchFile)) return undefined;
      throw isStatus(error) ? accessFailure(`look at ${describe(path)}`, refusalOf(error), error) : error;
    }
  }

  const lstat = (path: string) => look(path, (sftp, answer) => sftp.lstat(path, answer));

  /** The protocol cannot refuse links when it opens; what a client may do to itself in between is no harm to us. */
  async function open(path: string): Promise<CheckedSource> {
    const name = describe(path);
    const entry = await lstat(path);
    if (entry === undefined) throw accessFailure(`open ${name}`, 'missing', undefined);
    if (entry.type !== 'file') throw notPlain(name);
    const handle = await attempt<Buffer>(`open ${name}`, (sftp, answer) => sftp.open(path, 'r', answer));
    const { size, mtime } = await attempt<Attributes>(`look at ${name}`, (sftp, answer) => sftp.fstat(handle, answer));
    return sftpRangeSource(session, { name, handle, size, mtimeSeconds: mtime }, limiter);
  }

  return {
    describe,
    stat: (path) => look(path, (sftp, answer) => sftp.stat(path, answer)),
    lstat,
    async list(folder) {
      const entries = await attempt<readonly { filename: string; attrs: Attributes }[]>(
        `list ${describe(folder)}`,
        (sftp, answer) => sftp.readdir(folder, answer),
      );
      return entries.map(({ filename, attrs }): ListedEntry => ({ name: filename, ...factsOf(attrs) }));
    },
    open,
    rename: (from, to) =>
      attempt(`rename ${describe(from)} to ${to}`, (sftp, answer: Answer<void>) => sftp.rename(from, to, answer)),
    remove: (path) => attempt(`remove ${describe(path)}`, (sftp, answer: Answer<void>) => sftp.unlink(path, answer)),
    makeFolder: (path) =>
      attempt(`make the folder ${describe(path)}`, (sftp, answer: Answer<void>) =>
        sftp.mkdir(path, { mode: 0o770 }, answer),
      ),
    close: () => session.close(),
  };
}

function factsOf(attributes: Attributes): EntryFacts {
  const type = attributes.isFile() ? 'file' : attributes.isDirectory() ? 'folder' : 'other';
  return { type, size: attributes.size, mtimeMs: attributes.mtime * 1000 };
}

function isStatus(error: unknown, status?: number): boolean {
  if (error instanceof BackupError || !(error instanceof Error) || !('code' in error)) return false;
  return status === undefined ? typeof error.code === 'number' : error.code === status;
}

function refusalOf(error: unknown): Refusal {
  if (isStatus(error, noSuchFile)) return 'missing';
  return isStatus(error, permissionDenied) ? 'denied' : 'other';
}
