import assert from 'node:assert/strict';
import { letFire } from '../units.ts';
import type { Hosts } from './hosts.ts';

export async function fetchingAccount({ client, server }: Hosts): Promise<string> {
  const as = (shell: string) => client.run(asFetcher(shell));
  await client.must(
    'cd /var/backups/drop; mkdir .backup_archive_in_progress.lock; cp --preserve=all client-*.tar.gz /root/',
  );
  const allowed = ['cat client-*.tar.gz >/dev/null', 'mv client-*.tar.gz done/ && mv done/*.tar.gz .'];
  const refused = [
    'rmdir .backup_archive_in_progress.lock',
    'mv .backup_archive_in_progress.lock x',
    'ls .staging',
    'touch .staging/x',
    'ls .base',
    'mv .base x',
    'cat /etc/backup/client_config.yml',
    'ls /var/lib/backup',
  ];
  for (const shell of allowed) assert.equal((await as(shell)).exitCode, 0, `may not: ${shell}`);
  for (const shell of refused) assert.notEqual((await as(shell)).exitCode, 0, `may: ${shell}`);
  // What it owns it can change; the next run notices and does not build on it.
  await client.must('rmdir /var/backups/drop/.backup_archive_in_progress.lock');
  const ssh = `ssh -i /etc/backup/ssh-key -o StrictHostKeyChecking=accept-new backup-fetch@${client.address} id`;
  const shell = await server.run(ssh);
  assert.notEqual(shell.exitCode, 0);
  assert.match(shell.stdout + shell.stderr, /sftp connections only/);
  return `${allowed.length} things allowed, ${refused.length} and a shell refused`;
}

/** The account owns the bytes of what was published, and with them those of the base. */
export async function changedBase({ client }: Hosts): Promise<string> {
  const change = 'dd if=/dev/zero of=$(ls done/client-*.tar.gz) bs=64 count=4 conv=notrunc status=none';
  await client.must(asFetcher(`chmod u+w done/client-*.tar.gz && ${change}`));
  assert.equal(await letFire(client, 'local-backup'), 'success');
  await client.must('local-backup verify --full $(ls /var/backups/drop/client-*.tar.gz)');
  return 'the next archive is whole all the same';
}

function asFetcher(shell: string): string {
  return `cd /var/backups/drop; setpriv --reuid backup-fetch --regid backup-fetch --init-groups sh -c '${shell}'`;
}
