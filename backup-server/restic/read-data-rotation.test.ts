import assert from 'node:assert/strict';
import { it } from 'node:test';
import { advanced, nextRotation, parseRotation, type Rotation, readDataArguments } from './read-data-rotation.ts';

const msPerDay = 86_400_000;

/** Runs every so many days and tells, for each day, which parts were read. */
function simulate(
  withinDays: number,
  everyDays: number,
  runs: number,
): readonly { readonly day: number; readonly part: number; readonly parts: number }[] {
  let rotation: Rotation | undefined;
  return Array.from({ length: runs }, (_, index) => {
    const day = index * everyDays;
    const turn = nextRotation(withinDays, rotation, new Date(day * msPerDay));
    rotation = advanced(turn, new Date(day * msPerDay));
    return { day, ...turn };
  });
}

for (const [withinDays, everyDays] of [
  [90, 7],
  [30, 7],
  [7, 7],
  [3, 7],
  [30, 1],
  [365, 30],
  [10, 4],
] as const) {
  it(`with a run every ${everyDays} days all data is read within ${withinDays}`, () => {
    const runs = simulate(withinDays, everyDays, 300).slice(100);
    const { parts } = runs[0] ?? { parts: 1 };
    assert.ok(runs.every((run) => run.parts === parts));
    const round = runs.slice(0, parts);
    assert.equal(new Set(round.map(({ part }) => part)).size, parts);
    assert.ok(parts * everyDays <= Math.max(withinDays, everyDays));
  });
}

it('a part is read again until it was read without an error', () => {
  const turn = nextRotation(
    28,
    { parts: 4, next: 3, lastRead: '2026-01-01T00:00:00Z' },
    new Date('2026-01-08T00:00:00Z'),
  );
  assert.deepEqual(turn, { parts: 4, part: 3 });
});

it('a round that has become too slow starts anew with fewer parts', () => {
  const turn = nextRotation(
    28,
    { parts: 4, next: 3, lastRead: '2026-01-01T00:00:00Z' },
    new Date('2026-01-20T00:00:00Z'),
  );
  assert.deepEqual(turn, { parts: 1, part: 1 });
});

it('a clock that was set back does not end a round', () => {
  const previous = { parts: 4, next: 3, lastRead: '2026-02-01T00:00:00Z' };
  assert.deepEqual(nextRotation(28, previous, new Date('2026-01-01T00:00:00Z')), { parts: 4, part: 3 });
});

it('a rotation is read as it was written', () => {
  const rotation = advanced({ parts: 4, part: 2 }, new Date('2026-01-01T00:00:00Z'));
  assert.deepEqual(parseRotation(JSON.stringify(rotation)), rotation);
});

for (const text of [
  '',
  'null',
  '3',
  '{}',
  '{"parts":4,"next":2',
  '{"parts":4,"next":5,"lastRead":"2026-01-01T00:00:00Z"}',
  '{"parts":4,"next":0,"lastRead":"2026-01-01T00:00:00Z"}',
  '{"parts":4.5,"next":1,"lastRead":"2026-01-01T00:00:00Z"}',
  '{"parts":4,"next":1,"lastRead":"yesterday"}',
  '{"parts":4,"next":1}',
])
  it(`${text === '' ? 'nothing' : text} is no rotation`, () => assert.equal(parseRotation(text), undefined));

it('plans become arguments of restic check', () => {
  assert.deepEqual(readDataArguments({ type: 'none' }, ''), []);
  assert.deepEqual(readDataArguments({ type: 'all' }, ''), ['--read-data']);
  assert.deepEqual(readDataArguments({ type: 'subset', subset: '10%' }, ''), ['--read-data-subset', '10%']);
  assert.deepEqual(readDataArguments({ type: 'rotate', withinDays: 30 }, '2/4'), ['--read-data-subset', '2/4']);
});
