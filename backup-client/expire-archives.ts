/** An archive in the drop folder or in `done/`. */
export interface KnownArchive {
  readonly path: string;
  readonly time: Date;
  /** No service of it had failed. */
  readonly isComplete: boolean;
  /** Those in `done/` are the server's to remove. */
  readonly isOurs: boolean;
}

const msPerDay = 86_400_000;

/** Which archives have had their days. The newest one and the newest complete one never do. */
export function expiredArchives(
  archives: readonly KnownArchive[],
  keepDays: number,
  now: Date,
): readonly KnownArchive[] {
  const newestFirst = [...archives].sort((a, b) => b.time.getTime() - a.time.getTime());
  const kept = new Set([newestFirst[0], newestFirst.find(({ isComplete }) => isComplete)]);
  const limit = now.getTime() - keepDays * msPerDay;
  return newestFirst.filter((archive) => archive.isOurs && archive.time.getTime() < limit && !kept.has(archive));
}
