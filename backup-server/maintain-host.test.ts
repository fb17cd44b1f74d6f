import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BackupError } from '#common/errors.ts';
import { memoryLog } from '#common/testing/memory-log.ts';
import type { HostConfig, MaintenanceConfig } from './config.ts';
import { type MaintenanceTools, maintainHost } from './maintain-host.ts';
import type { Restic } from './restic/restic.ts';
import { damageFiles } from './testing/damage-files.ts';
import { type TestRepository, testRepository } from './testing/test-repository.ts';

interface Change {
  readonly host?: Partial<HostConfig>;
  readonly config?: Partial<MaintenanceConfig>;
  readonly tools?: Partial<MaintenanceTools>;
  /** Something between the upkeep and restic. */
  readonly restic?: (real: Restic) => Partial<Restic>;
}

/** Upkeep by a clock that goes on only while the upkeep waits. */
async function maintain(test: TestRepository, change: Change = {}) {
  const { log, lines } = memoryLog();
  const clock = { ms: Date.parse('2026-01-10T00:00:00Z') };
  const slept: number[] = [];
  const tools: MaintenanceTools = {
    log,
    now: () => new Date(clock.ms),
    sleep: async () => undefined,
    signal: new AbortController().signal,
    openRestic: async (host) => {
      const real = await test.open({ host });
      return { ...real, ...change.restic?.(real) };
    },
    stateDir: join(test.folder, 'state'),
    retryLockMs: 0,
    dryRun: false,
    ...change.tools,
  };
  const sleep = async (ms: number) => {
    slept.push(ms);
    clock.ms += ms;
    await tools.sleep(ms);
  };
  const config = { ...defaults, ...change.config };
  const report = await maintainHost({ ...test.host, ...change.host }, config, { ...tools, sleep });
  return { ...report, stageNames: report.stages.map(({ name }) => name), lines, slept };
}

const defaults: MaintenanceConfig = {
  prune: true,
  check: true,
  checkOptions: [],
  readData: { type: 'none' },
  showStats: false,
  logLevel: 2,
  adminEmail: undefined,
  emailSubjectPrefix: '',
};

const locksOf = (test: TestRepository) => readdir(join(test.path, 'locks'));
const dataOf = async (test: TestRepository) => (await test.files()).filter((line) => line.startsWith('data/'));

describe('what upkeep forgets', () => {
  it('is what the policy lets go, but not the last complete backup behind eight partial ones', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'ab');
    for (let day = 2; day <= 9; day += 1) await test.store(day, 'aB');
    const { outcome, facts } = await maintain(test);
    assert.equal(outcome, 'ok');
    assert.deepEqual(facts, { snapshots: 3, forgotten: 6, checked: 'structure only' });
    assert.deepEqual(await test.days(), [1, 8, 9]);
  });

  it('is nothing in a dry run, which tells what it would be and touches no file, not even a dead lock', async (t) => {
    const test = await testRepository(t);
    for (const day of [1, 2, 3, 4]) await test.store(day, 'a');
    await (await test.holdLock(t, 'prune')).kill();
    const before = await test.files();
    const { outcome, facts, lines, stageNames } = await maintain(test, { tools: { dryRun: true } });
    assert.equal(outcome, 'ok');
    assert.deepEqual(facts, { snapshots: 2, forgotten: 2 });
    assert.deepEqual(stageNames, ['look', 'plan']);
    const told = lines.filter(({ message }) => message === 'would be forgotten').map(({ bindings }) => bindings.time);
    assert.deepEqual(told, ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']);
    assert.deepEqual(await test.files(), before);
  });

  it('is told to be still there when the storage does not let go of it', async (t) => {
    const test = await testRepository(t);
    for (const day of [1, 2, 3]) await test.store(day, 'a');
    const { failure, stageNames } = await maintain(test, { restic: () => ({ forget: async () => undefined }) });
    assert.match(failure?.messages[0] ?? '', /^1 snapshots are still there/);
    assert.match(failure?.hint ?? '', /append-only/);
    assert.deepEqual(stageNames, ['look', 'plan', 'unlock', 'forget']);
  });

  it('is nothing of a repository that is still empty, which is worth a warning', async (t) => {
    const test = await testRepository(t);
    const { outcome, warnings } = await maintain(test);
    assert.equal(outcome, 'warning');
    assert.deepEqual(warnings, ['the repository holds no snapshot of this host']);
  });
});

describe('the steps of upkeep', () => {
  it('are all there by default, and data that nothing needs is gone after them', async (t) => {
    const test = await testRepository(t);
    for (const day of [1, 2, 3]) await test.store(day, 'a');
    const before = await dataOf(test);
    const { stageNames, facts } = await maintain(test, { config: { showStats: true } });
    assert.deepEqual(stageNames, ['look', 'plan', 'unlock', 'forget', 'prune', 'check']);
    assert.ok((await dataOf(test)).length < before.length);
    assert.match(String(facts.size), /^\d/);
  });

  it('leave out prune and check where they are false', async (t) => {
    const test = await testRepository(t);
    for (const day of [1, 2, 3]) await test.store(day, 'a');
    const before = await dataOf(test);
    const { stageNames, facts } = await maintain(test, { config: { prune: false, check: false } });
    assert.deepEqual(stageNames, ['look', 'plan', 'unlock', 'forget']);
    assert.deepEqual(facts, { snapshots: 2, forgotten: 1 });
    assert.deepEqual(await dataOf(test), before);
  });

  it('forget nothing where there is nothing to forget', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    assert.deepEqual((await maintain(test)).stageNames, ['look', 'plan', 'unlock', 'prune', 'check']);
  });

  it('end at the first look where there is no repository, or another password', async (t) => {
    const test = await testRepository(t);
    const otherPassword = join(test.folder, 'other');
    await writeFile(otherPassword, 'other');
    for (const [host, kind] of [
      [{ repository: join(test.folder, 'nowhere') }, 'no-repository'],
      [{ passwordFile: otherPassword }, 'wrong-password'],
    ] as const) {
      const { outcome, failure, stageNames } = await maintain(test, { host });
      assert.deepEqual([outcome, failure?.stage, failure?.kind], ['failed', 'look', kind]);
      assert.deepEqual(stageNames, ['look']);
    }
  });
});

describe('a repository that is locked', () => {
  it('by a restic that was killed is worked on all the same', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    await (await test.holdLock(t, 'prune')).kill();
    assert.equal((await locksOf(test)).length, 1);
    assert.equal((await maintain(test)).outcome, 'ok');
    assert.deepEqual(await locksOf(test), []);
  });

  it('by a running one is waited for', async (t) => {
    const test = await testRepository(t);
    for (const day of [1, 2, 3]) await test.store(day, 'a');
    const running = await test.holdLock(t, 'prune');
    const { outcome, slept } = await maintain(test, { tools: { retryLockMs: 900_000, sleep: () => running.goOn() } });
    assert.equal(outcome, 'ok');
    assert.deepEqual(slept, [60_000]);
    assert.deepEqual(await test.days(), [2, 3]);
  });

  it('for longer than that is left as it is, with its lock', async (t) => {
    const test = await testRepository(t);
    for (const day of [1, 2, 3]) await test.store(day, 'a');
    await test.holdLock(t, 'prune');
    const before = await locksOf(test);
    const { failure, slept } = await maintain(test, { tools: { retryLockMs: 90_000 } });
    assert.deepEqual([failure?.stage, failure?.kind], ['forget', 'locked']);
    assert.match(failure?.hint ?? '', /^Wait until it has ended/);
    assert.deepEqual(slept, [60_000, 30_000]);
    assert.deepEqual(await locksOf(test), before);
    assert.deepEqual(await test.days(), [1, 2, 3]);
  });

  it('is waited for once where restic itself has waited', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    let ms = 0;
    let tries = 0;
    const prune = async () => {
      tries += 1;
      ms += 900_000; // restic --retry-lock
      throw new BackupError('locked', { kind: 'locked' });
    };
    const tools = { retryLockMs: 900_000, now: () => new Date(ms) };
    assert.equal((await maintain(test, { tools, restic: () => ({ prune }) })).failure?.kind, 'locked');
    assert.equal(tries, 1);
  });

  it('keeps nobody from ending the run', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    await test.holdLock(t, 'prune');
    const stop = new AbortController();
    const reason = new BackupError('ended by SIGTERM');
    const sleep = async () => {
      stop.abort(reason);
      stop.signal.throwIfAborted();
    };
    await assert.rejects(maintain(test, { tools: { retryLockMs: 900_000, signal: stop.signal, sleep } }), reason);
  });
});

describe('the part of the data that a check reads', () => {
  const readData = { type: 'rotate', withinDays: 21 } as const;
  const stateOf = (test: TestRepository) => join(test.folder, 'state/maintenance/web.json');
  const standing = '{"parts":3,"next":2,"lastRead":"2026-01-03T00:00:00.000Z"}';

  async function at(test: TestRepository, state: string): Promise<void> {
    await mkdir(join(test.folder, 'state/maintenance'), { recursive: true });
    await writeFile(stateOf(test), state);
  }

  it('is the next one each time, with the configured options', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    const given: string[] = [];
    const restic = (real: Restic) => ({
      check: (options: readonly string[]) => {
        given.push(options.join(' '));
        return real.check(options);
      },
    });
    const change = { config: { readData, checkOptions: ['--with-cache'] }, restic };
    assert.equal((await maintain(test, change)).facts.checked, 'part 1/3 of the data read');
    await at(test, standing);
    assert.equal((await maintain(test, change)).facts.checked, 'part 2/3 of the data read');
    assert.deepEqual(given, ['--read-data-subset 1/3 --with-cache', '--read-data-subset 2/3 --with-cache']);
    const state = JSON.parse(await readFile(stateOf(test), 'utf8')) as object;
    assert.deepEqual(state, { parts: 3, next: 3, lastRead: '2026-01-10T00:00:00.000Z' });
  });

  it('stays the same when the check finds an error, which tells what to do', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    await damageFiles(join(test.path, 'data'));
    await at(test, standing);
    const { failure } = await maintain(test, { config: { readData, prune: false } });
    assert.deepEqual([failure?.stage, failure?.kind], ['check', 'damaged-repository']);
    assert.match(failure?.hint ?? '', /troubleshooting/);
    assert.equal(await readFile(stateOf(test), 'utf8'), standing);
  });

  it('is not moved on by a dry run', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    await at(test, standing);
    await maintain(test, { config: { readData }, tools: { dryRun: true } });
    assert.equal(await readFile(stateOf(test), 'utf8'), standing);
  });

  it('is the first one after a state that nobody can read', async (t) => {
    const test = await testRepository(t);
    await test.store(1, 'a');
    for (const state of ['null', '{"parts":3,"next":5}']) {
      await at(test, state);
      assert.equal((await maintain(test, { config: { readData } })).facts.checked, 'part 1/3 of the data read');
    }
  });
});
