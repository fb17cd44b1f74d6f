import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseArchiveName } from '#common/archive/archive-name.ts';
import { snapshotTags } from '#common/archive/snapshot-tags.ts';
import type { PartReport } from '#common/run/report.ts';
import { memoryLog } from '#common/testing/memory-log.ts';
import { hasYoungSnapshot, reasonToSkip } from './choose-action.ts';
import { chooseSnapshot } from './choose-snapshot.ts';
import { parsePolicy } from './forget-policy.ts';
import { parseReadData } from './read-data.ts';
import type { Snapshot } from './restic/restic-output.ts';
import { withRetries } from './with-retries.ts';

function snapshot(time: string, timestamp = ''): Snapshot {
  return {
    id: `id-${time}`,
    shortId: `id-${time}`,
    time: new Date(time),
    hostname: 'web',
    tags: snapshotTags('web', timestamp, []),
    paths: [],
  };
}

describe('whether an archive is stored', () => {
  const archive = parseArchiveName('web', 'web-20260102_030000.tar.gz');
  const cases = [
    ['there is none yet', [], undefined],
    ['it is newer than the newest', [snapshot('2026-01-01T03:00:00Z', '20260101_030000')], undefined],
    ['a snapshot carries its tag', [snapshot('2026-01-02T03:00:00Z', '20260102_030000')], 'duplicate'],
    ['it is older than the newest', [snapshot('2026-01-03T03:00:00Z', '20260103_030000')], 'older'],
    ['it has the time of the newest and another tag', [snapshot('2026-01-02T03:00:00Z', 'x')], undefined],
  ] as const;
  for (const [what, snapshots, kind] of cases) {
    it(`${kind === undefined ? 'yes' : `no (${kind})`}: ${what}`, () => {
      assert.ok(archive !== undefined);
      assert.equal(reasonToSkip(archive, snapshots)?.kind, kind);
    });
  }

  it('a host may be absent as long as its newest backup is young enough', () => {
    const now = new Date('2026-01-10T00:00:00Z');
    assert.equal(hasYoungSnapshot([snapshot('2026-01-08T00:00:00Z')], 3 * 86_400, now), true);
    assert.equal(hasYoungSnapshot([snapshot('2026-01-08T00:00:00Z')], 86_400, now), false);
    assert.equal(hasYoungSnapshot([], 86_400, now), false);
  });
});

describe('which snapshot is restored', () => {
  const snapshots = [
    snapshot('2026-01-01T03:00:00Z'),
    snapshot('2026-01-03T03:00:00Z'),
    snapshot('2026-01-02T03:00:00Z'),
  ];
  const cases = [
    [{}, '2026-01-03T03:00:00Z'],
    [{ at: '2026-01-02' }, '2026-01-02T03:00:00Z'],
    [{ at: '2026-01-02T02:59' }, '2026-01-01T03:00:00Z'],
    [{ at: '2026-01-02T05:00:00+02:00' }, '2026-01-02T03:00:00Z'],
    [{ id: 'id-2026-01-01' }, '2026-01-01T03:00:00Z'],
  ] as const;
  for (const [wish, time] of cases) {
    it(`${JSON.stringify(wish)} is that of ${time}`, () =>
      assert.equal(chooseSnapshot(snapshots, wish, 'web').id, `id-${time}`));
  }

  it('for paths of a service is the newest in which that service is good, unless one is named', () => {
    const [shop, mail] = [
      { type: 'docker', name: 'shop' },
      { type: 'lxc', name: 'mail' },
    ];
    const tagged = (time: string, shopIs: 'ok' | 'failed', mailIs: 'ok' | 'skipped'): Snapshot => ({
      ...snapshot(time),
      tags: snapshotTags('web', '', [
        { ...shop, outcome: shopIs },
        { ...mail, outcome: mailIs },
      ]),
    });
    const own = [
      tagged('2026-01-01T03:00:00Z', 'ok', 'ok'),
      tagged('2026-01-02T03:00:00Z', 'ok', 'skipped'),
      tagged('2026-01-03T03:00:00Z', 'failed', 'skipped'),
    ];
    const dayOf = (wish: Parameters<typeof chooseSnapshot>[1]) => chooseSnapshot(own, wish, 'web').time.getUTCDate();
    assert.equal(dayOf({ paths: ['docker/shop/data'] }), 2);
    assert.equal(dayOf({ paths: ['docker/shop', 'lxc/mail'] }), 1);
    assert.equal(dayOf({ paths: ['docker/shop'], id: 'id-2026-01-03' }), 3);
    assert.equal(dayOf({ paths: ['other/unknown'] }), 3);
    assert.equal(dayOf({ paths: [] }), 3);
  });

  it('says so when there is none, or the time is none', () => {
    assert.throws(() => chooseSnapshot(snapshots, { at: '2025-01-01' }, 'web'), /web has no such snapshot/);
    assert.throws(() => chooseSnapshot(snapshots, { at: 'yesterday' }, 'web'), /"yesterday" is no time/);
  });
});

describe('what a forget policy means', () => {
  it('a map and restic’s own arguments say the same', () => {
    const expected = [
      ['--keep-daily', '7'],
      ['--keep-within', '2m'],
    ];
    assert.deepEqual(parsePolicy({ daily: 7, within: '2m' }), expected);
    assert.deepEqual(parsePolicy('--keep-daily 7 --keep-within=2m'), expected);
  });

  it('without one the original’s is used', () => {
    assert.deepEqual(parsePolicy(), [
      ['--keep-daily', '7'],
      ['--keep-weekly', '4'],
      ['--keep-monthly', '12'],
      ['--keep-yearly', '3'],
    ]);
  });

  for (const policy of [
    '--keep-daily 0',
    '--keep-daily',
    '--prune',
    '--keep-tag x',
    '--unsafe-allow-remove-all',
    {},
  ] as const) {
    it(`${JSON.stringify(policy)} is refused`, () => assert.equal(typeof parsePolicy(policy), 'string'));
  }
});

it('how much a check reads is told by either key', () => {
  const cases = [
    [{}, { type: 'none' }],
    [{ check_read_data_mode: false }, { type: 'none' }],
    [{ check_read_data_mode: 'true' }, { type: 'all' }],
    [{ check_read_data_mode: '10%' }, { type: 'subset', subset: '10%' }],
    [{ check_read_data_mode: '2/5' }, { type: 'subset', subset: '2/5' }],
    [{ check_read_data_within: '90d' }, { type: 'rotate', withinDays: 90 }],
    [{ check_read_data_mode: 'much' }, undefined],
  ] as const;
  for (const [section, plan] of cases) assert.deepEqual(parseReadData(section), plan);
});

describe('a host that failed is tried again', () => {
  const report = (outcome: PartReport['outcome'], kind?: string): PartReport => ({
    name: 'web',
    outcome,
    startedAt: '',
    durationMs: 0,
    stages: [],
    warnings: [],
    failure: outcome === 'failed' ? { stage: 'fetch', messages: ['x'], hint: undefined, kind } : undefined,
    skip: undefined,
    facts: {},
  });

  async function run(outcomes: readonly PartReport[], retries: number) {
    const pauses: number[] = [];
    const left = [...outcomes];
    const sleep = async (ms: number) => void pauses.push(ms);
    const result = await withRetries(
      { retries, pauseMs: 100, sleep, log: memoryLog().log },
      async () => left.shift() ?? report('ok'),
    );
    return { outcome: result.outcome, attempts: result.facts.attempts, pauses };
  }

  it('with growing pauses, and the report counts the attempts', async () => {
    assert.deepEqual(await run([report('failed'), report('failed'), report('ok')], 3), {
      outcome: 'ok',
      attempts: 3,
      pauses: [100, 200],
    });
  });
  it('at most so many times', async () => {
    assert.deepEqual(await run([report('failed'), report('failed'), report('failed')], 1), {
      outcome: 'failed',
      attempts: 2,
      pauses: [100],
    });
  });
  it('not when another try cannot mend it', async () => {
    assert.deepEqual(await run([report('failed', 'wrong-password')], 5), {
      outcome: 'failed',
      attempts: undefined,
      pauses: [],
    });
  });
});
