import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KeepRule, type PolicySection, parsePolicy } from './forget-policy.ts';

describe('a policy becomes rules of restic', () => {
  const cases: readonly (readonly [policy: PolicySection | undefined, rules: readonly KeepRule[]])[] = [
    [
      undefined,
      [
        ['--keep-daily', '7'],
        ['--keep-weekly', '4'],
        ['--keep-monthly', '12'],
        ['--keep-yearly', '3'],
      ],
    ],
    [{ daily: 7 }, [['--keep-daily', '7']]],
    [
      { last: 3, hourly: 24, within: '2y5m7d3h' },
      [
        ['--keep-last', '3'],
        ['--keep-hourly', '24'],
        ['--keep-within', '2y5m7d3h'],
      ],
    ],
    [{ daily: 7, weekly: undefined }, [['--keep-daily', '7']]],
    [
      '--keep-daily 7 --keep-weekly 4 --keep-monthly 12 --keep-yearly 3',
      [
        ['--keep-daily', '7'],
        ['--keep-weekly', '4'],
        ['--keep-monthly', '12'],
        ['--keep-yearly', '3'],
      ],
    ],
    [
      '  --keep-last=3\n  --keep-within=14d  ',
      [
        ['--keep-last', '3'],
        ['--keep-within', '14d'],
      ],
    ],
    ['--keep-within-monthly 1y', [['--keep-within-monthly', '1y']]],
    [
      { daily: 7, within: '0d' },
      [
        ['--keep-daily', '7'],
        ['--keep-within', '0d'],
      ],
    ],
  ];
  for (const [policy, rules] of cases) {
    it(JSON.stringify(policy) ?? 'none at all: that of the original', () =>
      assert.deepEqual(parsePolicy(policy), rules),
    );
  }
});

describe('a policy that cannot be used is refused with the reason', () => {
  const nothing = 'keeps nothing at all; say how many snapshots to keep';
  const noRule = (words: string) => `"${words}" is no rule such as --keep-daily 7 or --keep-within 2m`;
  const elsewhere = (flag: string) =>
    `"${flag}" is decided elsewhere (maintenance.prune; snapshots are grouped by host)`;
  const cases: readonly (readonly [policy: PolicySection, reason: string])[] = [
    [{}, nothing],
    [{ within: '0d' }, nothing],
    ['--keep-within 0h0d', nothing],
    ['', noRule('')],
    ['--keep-daily', noRule('--keep-daily')],
    ['--keep-daily 0', noRule('--keep-daily 0')],
    ['--keep-daily -1', noRule('--keep-daily -1')],
    ['--keep-daily 7d', noRule('--keep-daily 7d')],
    ['--keep-within 7', noRule('--keep-within 7')],
    ['--keep-daily 7 weekly 4', noRule('weekly 4')],
    ['--keep-tag x', noRule('--keep-tag x')],
    ['--keep-daily 7 --unsafe-allow-remove-all', noRule('--unsafe-allow-remove-all')],
    ['--keep-daily 7 --prune', elsewhere('--prune')],
    ['--group-by paths --keep-daily 7', elsewhere('--group-by')],
  ];
  for (const [policy, reason] of cases) {
    it(`${JSON.stringify(policy)}: ${reason}`, () => assert.equal(parsePolicy(policy), reason));
  }
});
