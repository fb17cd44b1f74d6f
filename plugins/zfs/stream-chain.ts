import { formatTimestamp } from '#common/archive/archive-name.ts';

/** A stream that is kept, by its file's name: `20261128_030512-full.zfs`, `20261129_030512-incremental.zfs`. */
export interface ChainLink {
  readonly file: string;
  readonly time: string;
  readonly type: 'full' | 'incremental';
}

export interface Chain {
  /** The newest full stream and all incremental ones after it, oldest first. */
  readonly links: readonly ChainLink[];
  /** Files of older chains, and halves of streams. */
  readonly obsolete: readonly string[];
}

/** Puts the names of the kept files in order. */
export function chainOf(files: readonly string[]): Chain {
  const links = [...files].sort().flatMap((file) => linkOf(file) ?? []);
  const start = links.map(({ type }) => type).lastIndexOf('full');
  const current = start < 0 ? [] : links.slice(start);
  return { links: current, obsolete: files.filter((file) => !current.some((link) => link.file === file)) };
}

/** What to send next: what came after the bookmark `base`, or all. */
export type NextStream = { readonly type: 'full' } | { readonly type: 'incremental'; readonly base: string };

/**
 * Goes on with the chain when the bookmark of its last stream is there and its full stream is young enough. `bookmarks`
 * are this task's own; their names hold the time of the snapshot they were made from.
 */
export function nextStream(
  { links }: Chain,
  bookmarks: readonly string[],
  now: Date,
  fullEverySeconds: number,
): NextStream {
  const [full, last] = [links[0], links.at(-1)];
  if (full === undefined || last === undefined) return { type: 'full' };
  if (full.time <= formatTimestamp(new Date(now.getTime() - fullEverySeconds * 1000))) return { type: 'full' };
  const base = bookmarks.find((bookmark) => timeIn(bookmark) === last.time);
  return base === undefined ? { type: 'full' } : { type: 'incremental', base };
}

export function fileNameOf(snapshot: string, type: NextStream['type']): string {
  return `${timeIn(snapshot)}-${type}.zfs`;
}

function timeIn(name: string): string {
  return /\d{8}_\d{6}/.exec(name)?.[0] ?? '';
}

function linkOf(file: string): ChainLink | undefined {
  const [, time, type] = /^(\d{8}_\d{6})-(full|incremental)\.zfs$/.exec(file) ?? [];
  return time === undefined ? undefined : { file, time, type: type === 'full' ? 'full' : 'incremental' };
}
