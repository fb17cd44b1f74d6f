import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { type Built, names, packageFile } from './build.ts';
import { must, succeeded } from './rig/commands.ts';
import { openContainer } from './rig/container.ts';
import { bootHost } from './rig/host.ts';
import { mirrors } from './rig/mirrors.ts';
import type { Network } from './rig/network.ts';
import { placeFor } from './rig/place.ts';
import { pristineRoot, type Suite, testersRoot } from './rig/roots.ts';
import { type Scenario, tryEach } from './scenario.ts';

/** Debian's own tests of packages, in those of its newest release. */
export function debianTesters(built: Built, network: Network): Scenario {
  return {
    title: 'testers of Debian',
    run: (step) =>
      tryEach(step, [
        ['lintian', () => lintian(built)],
        ['piuparts, bookworm', () => piuparts('bookworm', built)],
        ['piuparts, trixie', () => piuparts('trixie', built)],
        ['autopkgtest, bookworm', () => autopkgtest('bookworm', built, network)],
        ['autopkgtest, trixie', () => autopkgtest('trixie', built, network)],
      ]),
  };
}

async function lintian({ current }: Built): Promise<string> {
  const inside = await openContainer(await testersRoot(), [current]);
  try {
    const shell = `useradd --create-home tester; cd /home/tester; cp ${current}/* .
      runuser -u tester -- lintian --display-info --fail-on error,warning *.changes`;
    const said = await inside.must(shell);
    return said.trim() === '' ? 'not a word' : `only remarks: ${said.trim().split('\n').length} lines`;
  } finally {
    await inside.remove();
  }
}

async function piuparts(suite: Suite, { current, previous }: Built): Promise<string> {
  const root = await pristineRoot(suite, 'minimal');
  const inside = await openContainer(await testersRoot(), [current, previous, root]);
  try {
    const files = (await Promise.all(names.map((name) => packageFile(current, name)))).join(' ');
    // dpkg takes the empty /opt away with the last package that had something in it, whichever that is.
    const { exitCode, stdout } = await inside.run(`
      mkdir /previous; cd /previous; cp ${previous}/*.deb .; apt-ftparchive packages . >Packages
      piuparts --ignore=/opt/ --existing-chroot=${root} --distribution=${suite} --mirror='${(await mirrors()).main} main' \
        --bindmount=/previous --extra-repo='deb [trusted=yes] file:/previous ./' --no-eatmydata ${files} 2>&1`);
    const complaints = stdout.split('\n').filter((line) => /ERROR|^ {2}\//.test(line));
    assert.equal(exitCode, 0, complaints.join('\n'));
    assert.match(stdout, /PASS: Installation, upgrade and purging tests/);
    return 'installed, upgraded, purged, nothing left';
  } finally {
    await inside.remove();
  }
}

async function autopkgtest(suite: Suite, { current }: Built, network: Network): Promise<string> {
  const address = '10.77.0.9';
  const keys = await placeFor('run', 'keys', 'key');
  const source = await placeFor('run', 'source');
  await rm(source, { recursive: true, force: true });
  await must('git', ['clone', '--quiet', '.', source]);
  await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keys]);
  const host = await bootHost({
    name: 'tested',
    address,
    root: await pristineRoot(suite, 'bootable'),
    network,
    shared: [],
  });
  const inside = await openContainer(await testersRoot(), [current, source, keys]);
  try {
    await host.write('/root/.ssh/authorized_keys', await must('cat', [`${keys}.pub`]));
    await host.must('apt-get update -qq');
    const said = succeeded(
      `autopkgtest on ${suite}`,
      await inside.run(
        `cp -r ${source} /tmp/source; install -m 600 ${keys} /root/key; mkdir -p -m 700 /root/.ssh
        autopkgtest --no-built-binaries ${current}/*.deb /tmp/source/ -- ssh -H ${address} -l root -i /root/key \
          --capability isolation-container --capability isolation-machine 2>&1`,
        `--network-namespace-path=/run/netns/${network.namespace}`,
      ),
    );
    const results = said.slice(said.indexOf('@@@@ summary')).matchAll(/^(\S+) +(PASS|FAIL|SKIP|FLAKY)\b/gm);
    const seen = [...results].map(([, test, result]) => `${test} ${result}`);
    assert.deepEqual(seen, ['smoke PASS', 'main-job PASS']);
    return seen.join(', ');
  } finally {
    await Promise.all([host.remove(), inside.remove()]);
    await rm(keys, { force: true });
    await rm(`${keys}.pub`, { force: true });
  }
}
