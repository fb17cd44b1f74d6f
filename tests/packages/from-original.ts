import assert from 'node:assert/strict';
import type { Built } from './build.ts';
import { makeOriginals } from './original.ts';
import { bootHost, type Host } from './rig/host.ts';
import type { Network } from './rig/network.ts';
import { pristineRoot, type Suite } from './rig/roots.ts';
import type { Scenario } from './scenario.ts';
import { property } from './units.ts';

/** A host with the packages of the original, client and server, is upgraded to ours. */
export function fromOriginal(suite: Suite, { current }: Built, network: Network): Scenario {
  return {
    title: `from the original, ${suite}`,
    run: async (step) => {
      const originals = await makeOriginals();
      const root = await pristineRoot(suite, 'bootable');
      const shared = [originals, current];
      const host = await bootHost({ name: 'old', address: '10.77.0.4', root, network, shared });
      try {
        await step('the original is there, and runs by its timers', () => installOriginals(host, originals));
        await step('upgraded: configuration is kept and read, scripts and units left', () => upgrade(host, current));
        await step('purged: archives and repositories stay and are named', () => purge(host));
      } finally {
        await host.remove();
      }
    },
  };
}

const timers = ['local-backup.timer', 'backup-server.timer', 'restic-maintenance.timer'];

async function installOriginals(host: Host, folder: string): Promise<string> {
  await host.must(`apt-get update -qq; apt-get install -y -qq ${folder}/*.deb 2>&1
    systemctl enable --now ${timers.join(' ')} 2>&1
    echo '# edited' >>/etc/backup/client_config.yml
    mkdir -p /etc/backup/docker/tandoor
    printf 'service: { name: tandoor }\\nfiles: { paths: [/etc/debian_version] }\\n' >/etc/backup/docker/tandoor/service.yaml
    printf '#!/bin/sh\\n' >/opt/backup/lib/plugins/own.sh
    cp -a /etc/backup /before`);
  return (await host.must("dpkg-query --show 'backup-*'")).trim().replaceAll(/\t|\n/g, ' ');
}

async function upgrade(host: Host, folder: string): Promise<string> {
  const jobs = () =>
    Promise.all(timers.map((timer) => property(host, timer.replace('.timer', '.service'), 'InvocationID')));
  const before = await jobs();
  await host.must(`apt-get install -y -qq ${folder}/*.deb 2>&1; test -z "$(dpkg --audit)"`);
  await host.must('diff -r /before /etc/backup');
  assert.equal(await host.must('find /etc/backup -maxdepth 1 -type f ! -perm 600'), '');
  assert.equal(
    await host.must('ls /opt/backup/bin /opt/backup/lib/plugins'),
    '/opt/backup/bin:\nbackup-server\nlocal-backup\nrestic-maintenance\n\n/opt/backup/lib/plugins:\nown.sh\n',
  );
  for (const timer of timers) {
    assert.equal(await host.must(`systemctl is-active ${timer}; systemctl is-enabled ${timer}`), 'active\nenabled\n');
    assert.doesNotMatch(await property(host, timer, 'Requires'), /\.service/);
  }
  assert.deepEqual(await jobs(), before, 'the upgrade has started a job');
  assert.match(await host.must('systemctl cat local-backup.service'), /ExecStart=\/opt\/backup\/bin\/local-backup run/);
  await host.must('local-backup run --dry-run; backup-server ready');
  return `no job was started, ${await host.must('local-backup --version')}`.trim();
}

async function purge(host: Host): Promise<string> {
  const said = await host.must(`mkdir -p /var/tmp/backups /srv/restic/old
    echo kept >/var/tmp/backups/old-20250101_030000.tar.gz
    apt-get purge -y -qq 'backup-*' 2>&1; ls /var/tmp/backups; ls /srv/restic`);
  assert.match(said, /archives in \/var\/tmp\/backups stay/);
  assert.match(said, /repositories in \/srv\/restic stay/);
  assert.match(said, /^old-20250101_030000\.tar\.gz\nold$/m);
  assert.equal(await host.must('systemctl --failed --no-legend; dpkg --audit'), '');
  return 'both are still there';
}
