import { it } from 'node:test';
import { randomNumbers } from '#common/testing/random-numbers.ts';
import { runAndKill, startChaosFleet } from './rig/chaos.ts';

const kills = 40;

it(`a server that is killed at ${kills} moments that chance has chosen stores each archive in the end, and all of it`, async (test) => {
  const chaos = await startChaosFleet();
  test.after(() => chaos.fleet.stop());
  const random = randomNumbers(Date.now());
  await chaos.deliverNext();
  const start = performance.now();
  await chaos.requireGoodRun();
  const usualMs = (performance.now() - start) / 2; // the other half restores and compares
  for (let kill = 0; kill < kills; kill += 1) {
    await chaos.deliverNext();
    await runAndKill(chaos.fleet, random() * usualMs);
    if (random() < 0.3) await runAndKill(chaos.fleet, random() * usualMs);
    await chaos.requireGoodRun();
  }
});
