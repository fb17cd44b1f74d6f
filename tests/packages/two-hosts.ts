import type { Built } from './build.ts';
import { bootHost } from './rig/host.ts';
import type { Network } from './rig/network.ts';
import { pristineRoot, type Suite } from './rig/roots.ts';
import type { Scenario } from './scenario.ts';
import { changedBase, fetchingAccount } from './two-hosts/fetching-account.ts';
import { configure, exposures, install, quietAtFirst } from './two-hosts/installation.ts';
import { powerCut, upgradeClient, upgradeServer } from './two-hosts/interruptions.ts';
import { purge, remove } from './two-hosts/removal.ts';
import { clientTimer, failureMail, serverTimer, upkeepTimer } from './two-hosts/runs.ts';

/** Client and server on two hosts, from the installation to the purge; the packages are first those of the release before. */
export function twoHosts(suites: { client: Suite; server: Suite }, built: Built, network: Network): Scenario {
  return {
    title: `two hosts, client ${suites.client}, server ${suites.server}`,
    run: async (step) => {
      const shared = [built.current, built.previous];
      const boot = async (name: string, address: string, suite: Suite) =>
        bootHost({ name, address, root: await pristineRoot(suite, 'bootable'), network, shared });
      const [client, server] = await Promise.all([
        boot('client', '10.77.0.2', suites.client),
        boot('server', '10.77.0.3', suites.server),
      ]);
      try {
        const hosts = { client, server, network, built };
        await step('apt installs them on pristine hosts', () => install(hosts));
        await step('nothing fails before anything is configured', () => quietAtFirst(hosts));
        await step('units are hardened', () => exposures(hosts));
        await step('configured by hand', () => configure(hosts));
        await step('the client’s timer fires', () => clientTimer(hosts));
        await step('the fetching account can fetch and nothing else', () => fetchingAccount(hosts));
        await step('the server’s timer fires', () => serverTimer(hosts));
        await step('the upkeep’s timer fires', () => upkeepTimer(hosts));
        await step('a base that was changed is not built on', () => changedBase(hosts));
        await step('what a run cannot tell is mailed by OnFailure=', () => failureMail(hosts));
        await step('power cut in the middle of a run', () => powerCut(hosts));
        await step('the client is upgraded in the middle of a run', () => upgradeClient(hosts));
        await step('the server is upgraded in the middle of a run', () => upgradeServer(hosts));
        await step('removed: configuration, archives and repositories stay', () => remove(hosts));
        await step('purged: archives and repositories stay and are named', () => purge(hosts));
      } finally {
        await Promise.all([client.remove(), server.remove()]);
      }
    },
  };
}
