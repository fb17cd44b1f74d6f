import { readFile } from 'node:fs/promises';
import { hasCode } from '#common/errors.ts';
import type { ClientConfig } from './config.ts';

/** Another one means that its notes are of another form: then everything is read. */
export const noteVersion = 3;

/** What root's own note says of the base; it vouches for the archive, which the fetching account could have changed. */
export interface BaseNote {
  readonly version: number;
  readonly host: string;
  readonly createdAt: string;
  /** When everything was read last, not copied. */
  readonly fullReadAt: string;
  /** sha256 of the archive's tail, and so of everything in it. */
  readonly tailSha256: string;
}

/** Undefined when there is none that could be used at that time: any doubt means that everything is read. */
export async function usableNote(path: string, config: ClientConfig, now: Date): Promise<BaseNote | undefined> {
  const note = await readNote(path);
  if (note === undefined || note.version !== noteVersion || note.host !== config.hostname) return undefined;
  const hasClockGoneBack = Date.parse(note.createdAt) > now.getTime();
  const isFullReadDue = now.getTime() - Date.parse(note.fullReadAt) >= config.fullReadEverySeconds * 1000;
  return hasClockGoneBack || isFullReadDue ? undefined : note;
}

async function readNote(path: string): Promise<BaseNote | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as BaseNote;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
