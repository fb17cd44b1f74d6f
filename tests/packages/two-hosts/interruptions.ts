import assert from 'node:assert/strict';
import type { Built, PackageName } from '../build.ts';
import { eventually } from '../rig/eventually.ts';
import type { Host } from '../rig/host.ts';
import { letFire, property } from '../units.ts';
import { apt, type Hosts } from './hosts.ts';

export async function powerCut({ client }: Hosts): Promise<string> {
  await runUntilHeld(client);
  await client.must('sync');
  await client.cutPowerAndBoot();
  await eventually('both units run again', async () =>
    (await client.run('systemctl is-active shop.service slow.service')).exitCode === 0 ? true : undefined,
  );
  await eventually('recover has ended', async () =>
    (await property(client, 'local-backup-recover.service', 'ActiveState')) === 'inactive' ? true : undefined,
  );
  const journal = await client.must('journalctl --boot --unit=local-backup-recover --output=cat');
  assert.match(journal, /other\/shop: started again after an interrupted run/);
  assert.equal(await property(client, 'local-backup.timer', 'ActiveState'), 'active');
  assert.equal(await client.must('systemctl --failed --no-legend; ls -A /var/backups/drop/.staging'), '');
  assert.equal(await letFire(client, 'local-backup'), 'success');
  return 'recovered at boot; the next run is good';
}

export async function upgradeClient({ client, built }: Hosts): Promise<string> {
  await client.must("echo '# edited' >>/etc/backup/client_config.yml");
  await runUntilHeld(client);
  const version = await upgradeDuringRun(client, 'backup-client', 'local-backup', built);
  assert.equal(await client.must('systemctl is-active shop.service slow.service'), 'active\nactive\n');
  assert.match(await client.must('tail -1 /etc/backup/client_config.yml'), /# edited/);
  return `the run came to its end, the edited configuration stayed, now ${version}`;
}

export async function upgradeServer({ server, built }: Hosts): Promise<string> {
  const known = await snapshots(server);
  await server.must("echo '# edited' >>/etc/backup/server_config.yml");
  await server.write('/usr/local/bin/restic', heldRestic, '0755');
  await server.must('touch /run/hold; systemctl start --no-block backup-server.service');
  // The first connection after the client's power cut takes a minute or two on a busy machine.
  const isHeld = async () => ((await server.run('test -e /var/cache/backup/held')).exitCode === 0 ? true : undefined);
  await eventually('the run has come to restic', isHeld, 600);
  const version = await upgradeDuringRun(server, 'backup-server', 'backup-server', built);
  await server.must('rm /usr/local/bin/restic /var/cache/backup/held; backup-server status');
  assert.equal(await snapshots(server), known + 1);
  assert.match(await server.must('tail -1 /etc/backup/server_config.yml'), /# edited/);
  return `the run stored its snapshot, the edited configuration stayed, now ${version}`;
}

/** Stands before the real one in PATH, and lets a backup begin only when /run/hold is gone. */
const heldRestic = `#!/bin/sh
case " $* " in *" backup "*)
	touch /var/cache/backup/held
	while [ -e /run/hold ]; do sleep 0.1; done ;;
esac
exec /usr/bin/restic "$@"
`;

async function snapshots(server: Host): Promise<number> {
  return (JSON.parse(await server.must('backup-server snapshots client --json')) as unknown[]).length;
}

/** Upgrades while the unit's run is held, lets it go on, and sees the same run end well; the new version. */
async function upgradeDuringRun(host: Host, name: PackageName, unit: string, built: Built): Promise<string> {
  const invocation = await property(host, `${unit}.service`, 'InvocationID');
  await apt(host, built.current, 'backup-common', name);
  assert.equal(await property(host, `${unit}.service`, 'ActiveState'), 'activating');
  assert.equal(await property(host, `${unit}.service`, 'InvocationID'), invocation);
  await host.must('rm /run/hold');
  await eventually(`${unit} has ended`, async () =>
    (await property(host, `${unit}.service`, 'ActiveState')) === 'activating' ? undefined : true,
  );
  assert.equal(await property(host, `${unit}.service`, 'InvocationID'), invocation);
  assert.equal(await property(host, `${unit}.service`, 'Result'), 'success');
  assert.equal(await property(host, `${unit}.timer`, 'ActiveState'), 'active');
  assert.equal(await host.must('systemctl --failed --no-legend; dpkg --audit'), '');
  return (await host.must(`dpkg-query --show ${name}`)).trim().replace('\t', ' ');
}

/** Starts a run by hand and comes back when it has stopped the first unit and waits for the second. */
async function runUntilHeld(client: Host): Promise<void> {
  await client.must('touch /run/hold; systemctl start --no-block local-backup.service');
  await eventually('the run has stopped the first unit', async () => {
    const { stdout } = await client.run('systemctl is-active shop.service');
    return stdout === 'inactive\n' ? true : undefined;
  });
}
