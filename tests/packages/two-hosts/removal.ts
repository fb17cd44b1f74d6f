import assert from 'node:assert/strict';
import type { Hosts } from './hosts.ts';

export async function remove({ client, server }: Hosts): Promise<string> {
  await client.must('apt-get remove -y -qq backup-client 2>&1');
  await server.must('apt-get remove -y -qq backup-server 2>&1');
  await client.must(
    'test -e /etc/backup/client_config.yml; test -e /etc/backup/other/shop/service.yaml; ls /var/backups/drop/done/*.tar.gz',
  );
  await server.must(
    'test -e /etc/backup/server_config.yml; test -e /srv/restic/client/config; test -d /var/lib/backup/work/client',
  );
  for (const host of [client, server])
    assert.equal(
      await host.must(
        'ls /usr/lib/systemd/system | grep -E "^(local-backup|backup-server|restic)" || true; dpkg --audit',
      ),
      '',
    );
  return 'units and programs are gone';
}

export async function purge({ client, server }: Hosts): Promise<string> {
  const said = await client.must('apt-get purge -y -qq backup-client backup-common 2>&1');
  const saidByServer = await server.must('apt-get purge -y -qq backup-server backup-common 2>&1');
  assert.match(said, /archives in \/var\/backups\/drop stay/);
  assert.match(saidByServer, /repositories in \/srv\/restic stay/);
  await client.must('ls /var/backups/drop/done/*.tar.gz');
  await server.must('test -e /srv/restic/client/config; test -e /etc/backup/restic-password');
  for (const host of [client, server]) {
    const left = `ls -d /var/lib/backup /var/cache/backup /run/backup /opt/backup 2>/dev/null || true
      find /var/lib/systemd /etc/systemd -name '*local-backup*' -o -name '*backup-server*' -o -name '*restic*'`;
    assert.equal(await host.must(left), '');
    assert.equal(await host.must('systemctl --failed --no-legend; dpkg --audit'), '');
  }
  assert.equal(await client.must('test ! -e /etc/backup; ls /etc/ssh/sshd_config.d'), '');
  return 'state is gone';
}
