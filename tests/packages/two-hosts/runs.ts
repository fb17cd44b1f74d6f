import assert from 'node:assert/strict';
import { eventually } from '../rig/eventually.ts';
import { letFire } from '../units.ts';
import type { Hosts } from './hosts.ts';

export async function clientTimer({ client }: Hosts): Promise<string> {
  assert.equal(await letFire(client, 'local-backup'), 'success');
  const units = await client.must('systemctl is-active shop.service slow.service');
  assert.equal(units, 'active\nactive\n');
  const archive = (await client.must('cd /var/backups/drop; ls *.tar.gz')).trim();
  assert.match(archive, /^client-\d{8}_\d{6}\.tar\.gz$/);
  assert.match(await client.must('journalctl --unit=local-backup --output=cat'), /^\{.*"stage":.*\}$/m);
  return `${archive}, both units run again`;
}

export async function serverTimer({ client, server, network }: Hosts): Promise<string> {
  const known = network.mails.length;
  assert.equal(await letFire(server, 'backup-server'), 'success');
  const snapshots = JSON.parse(await server.must('backup-server snapshots client --json')) as unknown[];
  assert.equal(snapshots.length, 1);
  await eventually('the mail of the server', () =>
    network.mails.slice(known).find(({ subject }) => /Backup Run SUCCESSFUL/.test(subject)),
  );
  assert.match(await server.must('journalctl --unit=backup-server --output=cat'), /^\{.*"host":"client".*\}$/m);
  await server.must('backup-server restore client --to /root/restored');
  assert.equal(await server.must('cat /root/restored/other/shop/data/shop/price'), '12\n');
  assert.equal((await client.must('ls /var/backups/drop/done')).trim().split('\n').length, 1);
  return 'a snapshot, a mail, journal lines; it can be restored';
}

export async function upkeepTimer({ server }: Hosts): Promise<string> {
  assert.equal(await letFire(server, 'restic-maintenance'), 'success');
  assert.match(await server.must('journalctl --unit=restic-maintenance --output=cat'), /forgotten 0/);
  return 'nothing forgotten, repository checked';
}

export async function failureMail({ client, network }: Hosts): Promise<string> {
  const known = network.mails.length;
  await client.must(
    "cp -p /etc/backup/client_config.yml /root/; echo 'key_of_the_future: 1' >>/etc/backup/client_config.yml",
  );
  const { exitCode } = await client.run('systemctl start local-backup.service');
  assert.notEqual(exitCode, 0);
  const mail = await eventually('the mail about the unit', () =>
    network.mails.slice(known).find(({ subject }) => /local-backup\.service FAILED/.test(subject)),
  );
  assert.deepEqual([mail.to, mail.login], [['client-admin@example.org'], 'backup:of-systemd']);
  assert.match(mail.raw, /key_of_the_future/);
  await client.must('cp -p /root/client_config.yml /etc/backup/; systemctl reset-failed');
  return mail.subject;
}
