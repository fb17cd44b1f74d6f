import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithinHours } from './stop-hours.ts';

const table: readonly (readonly [spans: readonly string[], time: string, isWithin: boolean])[] = [
  [['01:00-05:00'], '01:00', true],
  [['01:00-05:00'], '04:59', true],
  [['01:00-05:00'], '05:00', false],
  [['01:00-05:00'], '00:59', false],
  [['22:30-06:00'], '22:29', false],
  [['22:30-06:00'], '23:59', true],
  [['22:30-06:00'], '00:00', true],
  [['22:30-06:00'], '06:00', false],
  [['12:00-12:00'], '03:00', true],
  [['12:00-13:00', '22:00-06:00'], '12:30', true],
  [['12:00-13:00', '22:00-06:00'], '03:00', true],
  [['12:00-13:00', '22:00-06:00'], '13:00', false],
];

for (const [spans, time, isWithin] of table) {
  test(`${time} is ${isWithin ? '' : 'not '}within ${spans.join(' or ')}`, () => {
    assert.equal(isWithinHours(spans, new Date(`2026-06-01T${time}:00`)), isWithin);
  });
}
