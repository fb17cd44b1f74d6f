import type { ArchiveIndex } from '#common/archive/archive-index.ts';
import type { CheckedSource } from '#common/archive/file-range-source.ts';
import { applyChanges } from './apply-changes.ts';
import { compareTreeWithIndex } from './compare-tree.ts';
import type { IndexSurvey } from './index-survey.ts';
import { SpoiledTree } from './spoiled-tree.ts';
import { stageChanges } from './stage-changes.ts';
import { Staging } from './staging.ts';
import type { TarTools } from './tar-tools.ts';
import { changesTo, type TreeState } from './tree-changes.ts';
import { checkLimits, type TreeLimits } from './tree-limits.ts';

export interface ChangeTools extends TarTools {
  /** Where changed entries are gathered, on the file system of the tree. */
  readonly staging: string;
  readonly survey: IndexSurvey;
  /** For what has to be fetched. */
  readonly limits: TreeLimits;
  readonly source: CheckedSource;
  /** Called before the tree is touched. */
  readonly beforeTouch: () => Promise<void>;
}

/**
 * Turns a tree into that of the index: everything that has changed is gathered beside it and proven, then the tree is changed
 * and compared with the index as a whole. Rejects with a SpoiledTree when the tree proves not to be what its state says.
 * What was replaced lies in the staging folder then, and is to be removed with it. Gives the number of entries that an
 * interrupted run had gathered.
 */
export async function changeTree(index: ArchiveIndex, state: TreeState, tools: ChangeTools): Promise<number> {
  const changes = await changesTo(index, state, (item) => tools.survey.look(item));
  checkLimits(tools.limits, changes.changed.size, changes.changedBytes);
  const staging = new Staging(tools.staging, tools);
  try {
    await stageChanges(index, changes, staging);
  } catch (error) {
    await staging.breakOff();
    throw error;
  }
  await tools.source.verifyUnchanged();
  await tools.beforeTouch();
  await applyChanges(state.folder, index, changes, staging, tools);
  const [difference] = await compareTreeWithIndex(state.folder, index);
  if (difference !== undefined) throw new SpoiledTree(difference);
  return staging.reused;
}
