import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placesProblem } from './handed-over.ts';

const cases: readonly (readonly [places: readonly string[], problem: string | undefined])[] = [
  [['a', 'b/c', 'b/d', 'ab'], undefined],
  [['a', 'a'], 'two things as "a"'],
  [['a/b', 'a'], 'as "a/b" what would lie within "a"'],
  [['/a'], 'as "/a", which is an absolute path'],
  [['a/../../b'], 'as "a/../../b", which has ".." in its path'],
  [['a/'], 'as "a/", which has "" in its path'],
];

for (const [places, problem] of cases) {
  test(`the places ${places.join(', ')} are ${problem === undefined ? 'good' : 'no good'}`, () =>
    assert.equal(placesProblem(places), problem));
}
