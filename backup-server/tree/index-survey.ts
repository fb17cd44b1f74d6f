import { type ArchiveIndex, itemsByPath } from '#common/archive/archive-index.ts';
import { type EntryRules, sortedEntryRules } from '#common/archive/entry-rules.ts';
import type { IndexItem } from '#common/archive/index-block.ts';
import { type IndexEntry, isUnstored } from '#common/archive/index-entry.ts';
import { BackupError } from '#common/errors.ts';
import { TreeCounter } from './tree-counts.ts';
import { checkLimits, type TreeLimits } from './tree-limits.ts';

/**
 * What there is to find out about an index before anything is fetched or written, in one reading of it: whose it is, that every
 * entry keeps to the rules and all together to the limits, what restic will count, what is recorded only.
 */
export class IndexSurvey {
  readonly counts = new TreeCounter();
  readonly unstored: IndexEntry[] = [];
  readonly #rules: EntryRules = sortedEntryRules();
  #entries = 0;
  #bytes = 0;

  constructor(
    index: ArchiveIndex,
    host: string,
    private readonly limits: TreeLimits,
  ) {
    checkHost(index, host);
  }

  /** The next item in the order of paths; a BackupError when it breaks a rule or a limit. */
  look({ member, entries, chunks }: IndexItem): void {
    for (const entry of entries) {
      this.#rules.check(entry);
      this.counts.add(entry);
      if (isUnstored(entry)) this.unstored.push(entry);
    }
    this.#entries += entries.length;
    for (const part of [member, ...chunks]) this.#bytes += part?.length ?? 0;
    checkLimits(this.limits, this.#entries, this.#bytes);
  }
}

export async function surveyWhole(index: ArchiveIndex, host: string, limits: TreeLimits): Promise<IndexSurvey> {
  const survey = new IndexSurvey(index, host, limits);
  for await (const item of itemsByPath(index)) survey.look(item);
  return survey;
}

/** The name of the host comes from our configuration; an archive that calls itself otherwise is somebody else's. */
function checkHost({ facts, source }: ArchiveIndex, host: string): void {
  if (facts.host === host) return;
  throw new BackupError(`${source.name} calls its host "${facts.host}", not "${host}"`, {
    kind: 'hostile-archive',
    hint: 'Two clients may use one folder. Compare "hostname" in client_config.yml with that in server_config.yml.',
  });
}
