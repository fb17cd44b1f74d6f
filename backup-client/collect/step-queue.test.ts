import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { type WalkedEntry, walkTree } from '#common/archive/walk-tree.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import type { BaseBlock, PlannedStep } from './reuse-plan.ts';
import { sourceAt } from './source.ts';
import { StepQueue } from './step-queue.ts';

interface Outcome {
  /** The paths of what tar gave. */
  readonly read: readonly string[];
  readonly copied: number;
  readonly runsOfTar: number;
}

/** Goes through a folder of so many files, of which all but the named ones are copied, block by block. */
async function go(test: TestContext, count: number, changed: ReadonlySet<string>): Promise<Outcome> {
  const folder = await tempFolder(test);
  const source = join(folder, 'source');
  await mkdir(source);
  for (let index = 0; index < count; index += 1) await writeFile(join(source, nameOf(index)), '');
  const tar = join(folder, 'counted-tar');
  await writeFile(tar, `#!/bin/sh\necho >>"${folder}/runs"\nexec tar "$@"\n`, { mode: 0o755 });
  appendFileSync(join(folder, 'runs'), '');
  const queue = new StepQueue(sourceAt(source, 'a'), planOf(walkTree(source), changed), { tar, runner: execaRunner() });
  const read: string[] = [];
  let copied = 0;
  for (let next = await queue.next(); next !== undefined; next = await queue.next()) {
    const { step, run } = next;
    if (step.type === 'copy-block') copied += step.walked.length;
    else if (step.type === 'read') {
      assert.ok(run !== undefined);
      assert.ok((await run.take(step.walked.path)) !== undefined);
      await run.reader.readAll();
      read.push(step.walked.path);
    }
  }
  await queue.finish();
  const runsOfTar = readFileSync(join(folder, 'runs'), 'utf8').length;
  return { read, copied, runsOfTar };
}

async function* planOf(walk: Iterable<WalkedEntry>, changed: ReadonlySet<string>): AsyncGenerator<PlannedStep> {
  for (const walked of walk) {
    if (changed.has(walked.path)) yield { type: 'read', walked };
    else yield { type: 'copy-block', block: {} as BaseBlock, walked: [walked] };
  }
}

function nameOf(index: number): string {
  return `file-${String(index).padStart(6, '0')}`;
}

it('where nothing is to be read, tar is not even started', async (test) => {
  assert.deepEqual(await go(test, 100, new Set()), { read: [], copied: 101, runsOfTar: 0 });
});

it('what lies far from the next thing to read does not wait for it in tar', async (test) => {
  const changed = [nameOf(0), nameOf(9_000), nameOf(9_001), nameOf(18_000)];
  const { read, copied, runsOfTar } = await go(test, 18_001, new Set(changed));
  assert.deepEqual({ read, copied }, { read: changed, copied: 18_001 - 4 + 1 });
  assert.equal(runsOfTar, 3);
});

it('where everything is read, one run of tar does it', async (test) => {
  const names = Array.from({ length: 9_000 }, (_, index) => nameOf(index));
  assert.deepEqual(await go(test, 9_000, new Set(['', ...names])), { read: ['', ...names], copied: 0, runsOfTar: 1 });
});
