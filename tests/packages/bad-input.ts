import type { Built } from './build.ts';
import type { Scenario } from './scenario.ts';

export function badInput(_built: Built): readonly Scenario[] {
  return [];
}
