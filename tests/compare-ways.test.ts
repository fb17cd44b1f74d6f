import { it } from 'node:test';
import { compareWays } from './rig/compare-ways.ts';

it('a tree that is changed, one that is fetched whole and what tar unpacks are the same, whatever chance makes', (test) =>
  compareWays(test, 5));
