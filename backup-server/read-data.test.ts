import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseReadData, type ReadDataPlan } from './read-data.ts';

const subset = (text: string): ReadDataPlan => ({ type: 'subset', subset: text });
const modes: readonly (readonly [mode: string | boolean | number | undefined, plan: ReadDataPlan | undefined])[] = [
  [undefined, { type: 'none' }],
  ['', { type: 'none' }],
  [false, { type: 'none' }],
  ['false', { type: 'none' }],
  [true, { type: 'all' }],
  ['true', { type: 'all' }],
  ['10%', subset('10%')],
  ['2.5%', subset('2.5%')],
  ['100%', subset('100%')],
  ['1/5', subset('1/5')],
  ['256/256', subset('256/256')],
  ['5G', subset('5G')],
  ['0%', undefined],
  ['101%', undefined],
  ['0/5', undefined],
  ['6/5', undefined],
  ['1/257', undefined],
  ['0G', undefined],
  ['5GB', undefined],
  [10, undefined],
  ['much', undefined],
  ['10% --no-lock', undefined],
];
for (const [mode, plan] of modes) {
  const words = plan === undefined ? 'makes no sense' : `reads ${'subset' in plan ? plan.subset : plan.type}`;
  it(`check_read_data_mode: ${JSON.stringify(mode)} ${words}`, () =>
    assert.deepEqual(parseReadData({ check_read_data_mode: mode }), plan));
}

const spans: readonly (readonly [within: string, days: number])[] = [
  ['90d', 90],
  ['2w', 14],
  ['36h', 1.5],
  ['1h', 1],
  ['0s', 1],
];
for (const [within, withinDays] of spans) {
  it(`check_read_data_within: ${within} reads everything within ${withinDays} days`, () =>
    assert.deepEqual(parseReadData({ check_read_data_within: within }), { type: 'rotate', withinDays }));
}

it('the newer key comes before the older one', () =>
  assert.equal(parseReadData({ check_read_data_mode: true, check_read_data_within: '90d' })?.type, 'rotate'));
