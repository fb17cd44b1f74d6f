import assert from 'node:assert/strict';
import { it } from 'node:test';
import { snapshotTags } from '#common/archive/snapshot-tags.ts';
import type { Snapshot } from './restic-output.ts';
import { forgettable, protectedSnapshots } from './retention.ts';

/** A snapshot of a day with services by the letter, a capital one for each that had failed. */
function snapshot(day: number, services: string): Snapshot {
  const facts = [...services].map((name) => ({
    type: 't',
    name: name.toLowerCase(),
    outcome: name === name.toLowerCase() ? ('ok' as const) : ('failed' as const),
  }));
  const id = `day-${day}`;
  return {
    id,
    shortId: id,
    time: new Date(Date.UTC(2026, 0, day)),
    hostname: 'web',
    tags: snapshotTags('web', `2026010${day}_000000`, facts),
    paths: [],
  };
}

const kept = (...snapshots: Snapshot[]) => [...protectedSnapshots(snapshots)].sort();

it('the newest snapshot and the newest complete one are never forgotten', () => {
  assert.deepEqual(kept(snapshot(1, 'ab'), snapshot(2, 'ab'), snapshot(3, 'aB')), ['day-2', 'day-3']);
});

it('for every service the newest snapshot in which it is good stays', () => {
  assert.deepEqual(kept(snapshot(1, 'abc'), snapshot(2, 'aBC'), snapshot(3, 'AbC'), snapshot(4, 'ABC')), [
    'day-1',
    'day-2',
    'day-3',
    'day-4',
  ]);
});

it('eight partial runs do not push the last complete one out', () => {
  const snapshots = [snapshot(1, 'ab'), ...[2, 3, 4, 5, 6, 7, 8, 9].map((day) => snapshot(day, 'aB'))];
  const byPolicy = ['day-1', 'day-2', 'day-3'];
  assert.deepEqual(
    forgettable(snapshots, byPolicy).map(({ id }) => id),
    ['day-2', 'day-3'],
  );
});

it('a service that was removed from the client does not hold old snapshots for ever', () => {
  assert.deepEqual(kept(snapshot(1, 'ab'), snapshot(2, 'a'), snapshot(3, 'a')), ['day-3']);
});

it('snapshots without our tags count as complete', () => {
  const foreign = { ...snapshot(1, ''), tags: ['web'] };
  assert.deepEqual(kept(foreign, snapshot(2, 'A')), ['day-1', 'day-2']);
});

it('one made by hand does not let go what was good before it', () => {
  const foreign = { ...snapshot(4, ''), tags: [] };
  assert.deepEqual(kept(snapshot(1, 'ab'), snapshot(2, 'aB'), snapshot(3, 'aB'), foreign), ['day-1', 'day-3', 'day-4']);
});

it('a service that never was good holds nothing', () => {
  assert.deepEqual(kept(snapshot(1, 'aB'), snapshot(2, 'aB')), ['day-2']);
});

it('the order in which they are listed does not matter', () => {
  const snapshots = [snapshot(1, 'ab'), snapshot(2, 'Ab'), snapshot(3, 'aB'), snapshot(4, 'AB')];
  assert.deepEqual(kept(...snapshots), kept(...snapshots.reverse()));
});

it('a policy that lets all go lets none of these go', () => {
  const snapshots = [snapshot(1, 'ab'), snapshot(2, 'aB'), snapshot(3, 'aB')];
  const going = forgettable(
    snapshots,
    snapshots.map(({ id }) => id),
  );
  assert.deepEqual(
    going.map(({ id }) => id),
    ['day-2'],
  );
});

it('what the policy keeps is kept', () => {
  assert.deepEqual(forgettable([snapshot(1, 'a'), snapshot(2, 'a')], []), []);
});

it('nothing is kept of nothing', () => {
  assert.deepEqual(kept(), []);
});
