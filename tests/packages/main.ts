import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withInstanceLock } from '#common/instance-lock.ts';
import { badInput } from './bad-input.ts';
import { assertSame, type Built, buildPackages, makePrevious } from './build.ts';
import { fromOriginal } from './from-original.ts';
import { type Network, startNetwork } from './rig/network.ts';
import { placeFor } from './rig/place.ts';
import { runScenarios, type Scenario, table } from './scenario.ts';
import { debianTesters } from './testers.ts';
import { twoHosts } from './two-hosts.ts';

/**
 * Builds the packages and tries them on pristine Debian 12 and 13: `npm run test:packages [-- WORD…]` runs what has one of
 * the words in its title. Downloads and roots stay in the folder that PACKAGES_RIG names.
 */
const words = process.argv.slice(2);
const isChosen = ({ title }: Scenario) => words.length === 0 || words.some((word) => title.includes(word));
const lock = { folder: dirname(await placeFor('lock')), program: 'test-packages', now: () => new Date() };

await withInstanceLock(lock, async () => {
  await rm(await placeFor('run'), { recursive: true, force: true });
  const network = await startNetwork();
  try {
    const built = { current: await placeFor('packages', 'current'), previous: await placeFor('packages', 'previous') };
    const scenarios = scenariosOf(built, network);
    const chosen = scenarios.filter(isChosen);
    if (chosen.length === 0)
      console.error(`no title with ${words.join(' or ')} in it: ${scenarios.map(({ title }) => title).join('; ')}`);
    const rows = await runScenarios(chosen);
    console.log(`\n${table(rows)}`);
    process.exitCode = rows.length > 0 && rows.every(({ outcome }) => outcome === 'ok') ? 0 : 1;
  } finally {
    await network.close();
  }
});

function scenariosOf(built: Built, network: Network): readonly Scenario[] {
  return [
    building(built),
    twoHosts({ client: 'bookworm', server: 'trixie' }, built, network),
    twoHosts({ client: 'trixie', server: 'bookworm' }, built, network),
    fromOriginal('bookworm', built, network),
    fromOriginal('trixie', built, network),
    badInput('bookworm', built),
    badInput('trixie', built),
    debianTesters(built, network),
  ];
}

function building({ current }: Built): Scenario {
  return {
    title: 'build',
    run: async (step) => {
      await step('the packages are built from a clean clone', async () => {
        await buildPackages('current');
        return process.env.DEB_BUILD_OPTIONS?.includes('nocheck') === true ? 'without the checks' : 'with the checks';
      });
      await step('a second build makes the same', async () => {
        await assertSame(current, await buildPackages('again', { DEB_BUILD_OPTIONS: 'nocheck' }));
        return 'three identical packages';
      });
      await step('a release before it, which is the same under a lower number', async () => {
        await makePrevious(current);
        return 'its version ends with ~previous';
      });
    },
  };
}
