import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Stages } from '#common/run/stages.ts';
import { memoryLog } from '#common/testing/memory-log.ts';
import { StoredSnapshots } from './stored-snapshots.ts';
import { type TestRepository, testRepository } from './testing/test-repository.ts';
import { UnprovenSnapshot } from './unproven-snapshot.ts';

describe('what is stored of a host', () => {
  it('is asked of the repository when nothing is remembered', async (test) => {
    const repository = await testRepository(test);
    await repository.store(1, 'a');
    const { stored, asked } = await look(repository);
    assert.deepEqual(daysOf(await stored.remembered()), [1]);
    assert.equal(asked(), 1);
  });

  it('is remembered with the proven snapshot that was added, so that restic is not asked again', async (test) => {
    const { repository, before } = await rememberedRepository(test);
    const { stored, asked } = await look(repository);
    assert.deepEqual(await stored.remembered(), before);
    assert.equal(asked(), 0);
    assert.deepEqual(daysOf(await stored.certain()), [1, 2]);
    assert.equal(asked(), 1);
  });

  it('is asked again when a snapshot has come or gone that nobody told of', async (test) => {
    const { repository } = await rememberedRepository(test);
    await repository.store(3, 'a');
    const more = await look(repository);
    assert.deepEqual(daysOf(await more.stored.remembered()), [1, 2, 3]);
    assert.equal(more.asked(), 1);
  });

  it('is asked again while a snapshot is unproven, which does not count', async (test) => {
    const { repository } = await rememberedRepository(test);
    const { stored, unproven, asked } = await look(repository);
    await unproven.begin('20260102_000000');
    assert.deepEqual(daysOf(await stored.remembered()), [1]);
    assert.deepEqual(daysOf(stored.doubtful), [2]);
    assert.equal(asked(), 1);
  });

  it('is never remembered of a repository that is not a folder of this machine', async (test) => {
    const { repository } = await rememberedRepository(test);
    const { stored, asked } = await look(repository, `local:${repository.path}`);
    await stored.remembered();
    assert.equal(asked(), 1);
  });
});

/** The days 1 and 2; a run had found the first and added the second. */
async function rememberedRepository(test: TestContext) {
  const repository = await testRepository(test);
  await repository.store(1, 'a');
  const { stored, restic } = await look(repository);
  await stored.remembered();
  await repository.store(2, 'a');
  const before = await restic.snapshots();
  const [, added] = before;
  if (added === undefined) throw new Error('there should be two snapshots');
  await stored.add(added.shortId, added);
  return { repository, before };
}

async function look({ open, folder, host }: TestRepository, at = host.repository) {
  const restic = await open({ host: { repository: at } });
  const stages = new Stages(memoryLog().log, () => new Date());
  const stateDir = join(folder, 'state');
  const unproven = new UnprovenSnapshot(stateDir, host.name);
  const stored = new StoredSnapshots({ restic, unproven, stages, stateDir, host: host.name });
  return { restic, stored, unproven, asked: () => stages.records.length };
}

function daysOf(snapshots: readonly { readonly time: Date }[]): readonly number[] {
  return snapshots.map(({ time }) => time.getUTCDate());
}
