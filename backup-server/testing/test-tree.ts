import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { workInPlace } from '#common/archive/archive-work.ts';
import { type CheckedSource, openFileSource } from '#common/archive/file-range-source.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { MeteredSource } from '../store/metered-source.ts';
import { HostTree, type ReadyTree } from '../tree/host-tree.ts';
import { type TestEntry, writeArchive } from './crafted-archive.ts';

export interface Taken extends ReadyTree {
  /** Bytes. */
  readonly fetched: number;
  readonly warnings: readonly string[];
}

/** The tree of a host `web` in a temporary folder, and an archive that it is brought up to. */
export interface TestTree {
  readonly home: string;
  readonly tree: string;
  readonly archive: string;
  /** Brings the tree up to an archive of these entries, or to the archive that is there. */
  take(entries?: readonly TestEntry[], through?: (source: CheckedSource) => CheckedSource): Promise<Taken>;
}

export async function testTree(
  test: Pick<TestContext, 'after'>,
  mode: 'keep' | 'discard' = 'keep',
  tar = 'tar',
): Promise<TestTree> {
  const folder = await tempFolder(test);
  const archive = join(folder, 'web.tar.gz');
  return {
    home: join(folder, 'work/web'),
    tree: join(folder, 'work/web/tree'),
    archive,
    async take(entries, through = (source) => source) {
      if (entries !== undefined) await writeArchive(archive, entries);
      const warnings: string[] = [];
      const tools = { tar, runner: execaRunner(), workDir: join(folder, 'work') };
      const tree = new HostTree(
        { name: 'web', tree: mode, maxEntries: 1000 },
        { ...tools, warn: (message) => warnings.push(message) },
      );
      const source = new MeteredSource(through(await openFileSource(archive)), () => undefined);
      try {
        const ready = await tree.bringUpToDate(source, workInPlace());
        await tree.keep();
        return { ...ready, fetched: source.fetched, warnings };
      } finally {
        await source.close();
      }
    },
  };
}
