import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatDuration, parseDuration } from './duration.ts';

const durations: readonly (readonly [text: string, seconds: number | undefined])[] = [
  ['0s', 0],
  ['90s', 90],
  ['15m', 900],
  ['26h', 93_600],
  ['30d', 2_592_000],
  ['2w', 1_209_600],
  ['1d12h', 129_600],
  ['1h30m15s', 5415],
  ['90', undefined],
  ['1.5h', undefined],
  ['-5m', undefined],
  ['5 m', undefined],
  ['5M', undefined],
  ['1y', undefined],
  ['h', undefined],
  ['1d12', undefined],
  ['', undefined],
];
for (const [text, seconds] of durations) {
  it(`"${text}" is ${seconds === undefined ? 'no duration' : `${seconds} seconds`}`, () =>
    assert.equal(parseDuration(text), seconds));
}

const shown: readonly (readonly [seconds: number, text: string])[] = [
  [0, '0s'],
  [0.4, '0s'],
  [59.9, '59s'],
  [60, '1m'],
  [61, '1m 1s'],
  [3600, '1h'],
  [3601, '1h'],
  [5415, '1h 30m'],
  [86_400, '1d'],
  [97_200, '1d 3h'],
  [40 * 86_400, '40d'],
];
for (const [seconds, text] of shown) {
  it(`${seconds} seconds are shown as "${text}"`, () => assert.equal(formatDuration(seconds), text));
}
