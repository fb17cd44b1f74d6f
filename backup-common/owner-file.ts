import { constants } from 'node:fs';
import { chmod, link, open, rename, rm, writeFile } from 'node:fs/promises';
import { BackupError, hasCode } from './errors.ts';
import { isAlive, ownIdentity, parseIdentity } from './process-identity.ts';

/** Who holds it, as the file says: for messages. */
export interface Holder {
  readonly pid: number;
  readonly program: string;
  /** ISO 8601 where the file is one of ours. */
  readonly since: string;
}

/** What came of an attempt. */
export type Taking =
  | { readonly type: 'held'; readonly holder: Holder }
  | {
      readonly type: 'taken';
      /** A process that has ended had left its file behind, and with it perhaps what the file stands for. */
      readonly wasLeftBehind: boolean;
      /** Removes the file, unless it has become somebody else's. */
      release(): Promise<void>;
    };

/**
 * Takes a file that names the process which holds something on this machine. A hard link makes it complete or not at
 * all, and never over another one. The file of a process that has ended is replaced by one taker only: by the holder of
 * `<path>.takeover`, which is taken in the same way.
 */
export async function takeOwnerFile(
  path: string,
  facts: Pick<Holder, 'program' | 'since'>,
  mode = 0o600,
): Promise<Taking> {
  const text = JSON.stringify({ ...ownIdentity(), ...facts });
  const mine = `${path}.${process.pid}`;
  await rm(mine, { force: true });
  await writeFile(mine, text, { flag: 'wx', mode });
  try {
    await chmod(mine, mode); // whatever the umask
    return await take(path, mine, text);
  } finally {
    await rm(mine, { force: true });
  }
}

async function take(path: string, mine: string, text: string): Promise<Taking> {
  const release = () => releaseOwn(path, text);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await placed(mine, path)) return { type: 'taken', wasLeftBehind: false, release };
    const found = await readOwner(path);
    if (found === undefined) continue; // given back a moment ago
    if (found.isAlive) return { type: 'held', holder: found.holder };
    const takeover = await take(`${path}.takeover`, mine, text);
    if (takeover.type === 'held') return takeover;
    if ((await readOwner(path))?.text === found.text) {
      await rename(`${path}.takeover`, path); // takes the one and gives back the other in one step
      return { type: 'taken', wasLeftBehind: true, release };
    }
    await takeover.release();
  }
  throw new BackupError(`cannot take ${path}`, { hint: 'Others took it again and again; try later.' });
}

async function placed(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function releaseOwn(path: string, text: string): Promise<void> {
  if ((await readOwner(path))?.text === text) await rm(path, { force: true });
}

interface Owner {
  readonly text: string;
  readonly isAlive: boolean;
  readonly holder: Holder;
}

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readSmallFile(path);
  if (text === undefined) return undefined;
  const value = parsed(text);
  const identity = parseIdentity(value);
  const { program, since } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const holder = { pid: identity?.pid ?? 0, program: String(program), since: String(since) };
  return { text, isAlive: identity !== undefined && isAlive(identity), holder };
}

/** What is no JSON was written by another program or cut short: it names nobody. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Others may write in the drop folder: a link is not followed there and a FIFO is not waited for. */
async function readSmallFile(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw notOurs(path);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'ELOOP')) throw notOurs(path);
    throw error;
  }
}

function notOurs(path: string): BackupError {
  return new BackupError(`${path} is not a plain file`, {
    hint: 'None of our programs made it; look at it and remove it.',
  });
}
