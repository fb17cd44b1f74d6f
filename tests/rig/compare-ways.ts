import assert from 'node:assert/strict';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { breakingSource } from '../../backup-server/testing/odd-sources.ts';
import { testTree } from '../../backup-server/testing/test-tree.ts';
import { archiveFolder, mustRun, plantTree, randomTree } from './random-trees.ts';
import { treeFacts } from './tree-facts.ts';

/**
 * Trees that chance makes, one after the other in one place: what the server makes of each archive by changing the tree
 * before it, what it makes of it alone, and what GNU tar unpacks must all be what was there. Some fetches are interrupted
 * first.
 */
export async function compareWays(test: Pick<TestContext, 'after'>, numRuns: number): Promise<void> {
  const folder = await tempFolder(test);
  const [source, untarred] = [join(folder, 'source'), join(folder, 'untarred')];
  const step = fc.record({ nodes: randomTree, breaksAfter: fc.option(fc.nat(400_000)) });
  const property = fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 4 }), async (steps) => {
    const changed = await testTree(test);
    for (const { nodes, breaksAfter } of steps) {
      await plantTree(source, nodes);
      const expected = await treeFacts(source);
      await archiveFolder(source, changed.archive);
      if (breaksAfter !== null)
        await changed.take(undefined, (whole) => breakingSource(whole, breaksAfter)).catch(() => undefined);
      const { warnings } = await changed.take();
      assert.deepEqual(warnings, []);
      assert.deepEqual(await treeFacts(join(changed.tree, 'data')), expected);
      const fresh = await testTree(test);
      await copyFile(changed.archive, fresh.archive);
      await fresh.take();
      assert.deepEqual(await treeFacts(join(fresh.tree, 'data')), expected);
      await mkdir(untarred);
      const how = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];
      await mustRun('tar', '-xzpf', changed.archive, '-C', untarred, ...how);
      assert.deepEqual(await treeFacts(join(untarred, 'data')), expected);
      await rm(untarred, { recursive: true });
      await rm(fresh.home, { recursive: true });
    }
    await rm(changed.home, { recursive: true });
  });
  await fc.assert(
    property.afterEach(() => rm(untarred, { recursive: true, force: true })),
    { numRuns },
  );
}
