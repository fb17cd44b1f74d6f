import assert from 'node:assert/strict';
import { hostsSection, mailSection, shopFiles } from '../fixtures.ts';
import { letFire, property } from '../units.ts';
import { apt, type Hosts } from './hosts.ts';

export async function install({ client, server, built }: Hosts): Promise<string> {
  await Promise.all([client, server].map((host) => host.must('apt-get update -qq')));
  await Promise.all([
    apt(client, built.previous, 'backup-common', 'backup-client'),
    apt(server, built.previous, 'backup-common', 'backup-server'),
  ]);
  const versions = 'dpkg-query --show nodejs rsync restic 2>/dev/null | tr "\t\n" " ," || true';
  return `client: ${await client.must(versions)} server: ${await server.must(versions)}`;
}

export async function quietAtFirst({ client, server }: Hosts): Promise<string> {
  for (const [host, units] of [
    [client, ['local-backup']],
    [server, ['backup-server', 'restic-maintenance']],
  ] as const) {
    for (const unit of units) {
      assert.equal(await property(host, `${unit}.timer`, 'ActiveState'), 'active', unit);
      assert.equal((await host.must(`systemctl is-enabled ${unit}.timer`)).trim(), 'enabled');
      assert.equal(await letFire(host, unit), 'exec-condition', unit);
      assert.match(
        await host.must(`journalctl --unit=${unit} --output=cat`),
        /not set up yet: (write|add hosts: to) \/etc\//,
      );
    }
    assert.equal(await host.must('systemctl --failed --no-legend'), '');
    assert.equal(await host.must('find /etc/backup -type f ! -perm 0600 -o -type d ! -perm 0700'), '');
  }
  assert.match(await client.must('getent passwd backup-fetch'), /:\/usr\/sbin\/nologin$/m);
  assert.match(await client.must('getent shadow backup-fetch'), /^backup-fetch:!/);
  return `timers on, services say what to edit, /etc/backup for root alone`;
}

export async function exposures({ client, server }: Hosts): Promise<string> {
  const seen: string[] = [];
  for (const [host, units] of [
    [client, ['local-backup.service', 'local-backup-recover.service']],
    [server, ['backup-server.service', 'restic-maintenance.service', 'backup-server-failure@x.service']],
  ] as const) {
    for (const unit of units) {
      const text = await host.must(`systemd-analyze security --no-pager ${unit} | tail -1`);
      const exposure = Number(/: (\d+\.\d+) /.exec(text)?.[1]);
      assert.ok(exposure <= 4, text);
      seen.push(`${unit.replace('.service', '')} ${exposure}`);
    }
  }
  return seen.join(', ');
}

export async function configure({ client, server, network }: Hosts): Promise<string> {
  await client.write('/etc/credstore/backup.mail-password', 'of-systemd\n');
  for (const [path, text] of Object.entries(shopFiles)) await client.write(path, text, '0644');
  await client.must('systemctl daemon-reload; systemctl start shop.service slow.service');
  await client.must(
    `cat >>/etc/backup/client_config.yml <<'E'\nadmin_email: client-admin@example.org\n${mailSection(network.gateway, 'backup.mail-password')}E`,
  );
  await server.must(`ssh-keygen -q -t ed25519 -N '' -f /etc/backup/ssh-key
    (umask 077; head -c 30 /dev/urandom | base64 >/etc/backup/restic-password)`);
  const key = await server.must('cat /etc/backup/ssh-key.pub');
  await client.write('/etc/ssh/authorized_keys.d/backup-fetch', key, '0644');
  const hostKey = (await client.must('cut -d " " -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
  const hosts = hostsSection(client.name, client.address, hostKey);
  await server.must(`sed -i '/^hosts:/,$d' /etc/backup/server_config.yml
    cat >>/etc/backup/server_config.yml <<'E'\n${hosts}${mailSection(network.gateway)}E
    sed -i 's/^global:/global:\\n  admin_email: server-admin@example.org/' /etc/backup/server_config.yml`);
  await client.must('local-backup check');
  await server.must('backup-server init && backup-server check');
  return 'check is content on both';
}
