import assert from 'node:assert/strict';
import { type Built, type PackageName, packageFile } from './build.ts';
import { hostsSection, mailSection, shopFiles } from './fixtures.ts';
import { eventually } from './rig/eventually.ts';
import { bootHost, type Host } from './rig/host.ts';
import type { Network } from './rig/network.ts';
import { pristineRoot, type Suite } from './rig/roots.ts';
import type { Scenario } from './scenario.ts';
import { letFire, property, resultOfNextRun } from './units.ts';

/** Client and server on two hosts, from the installation to the purge; the client's packages are first of the release before. */
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
        await step('upgrade in the middle of a run', () => upgrade(hosts));
        await step('removed: configuration, archives and repositories stay', () => remove(hosts));
        await step('purged: archives and repositories stay and are named', () => purge(hosts));
      } finally {
        await Promise.all([client.remove(), server.remove()]);
      }
    },
  };
}

interface Hosts {
  readonly client: Host;
  readonly server: Host;
  readonly network: Network;
  readonly built: Built;
}

async function apt(host: Host, folder: string, ...names: PackageName[]): Promise<string> {
  const files = await Promise.all(names.map((name) => packageFile(folder, name)));
  return host.must(`apt-get install -y -qq ${files.join(' ')} 2>&1`);
}

async function install({ client, server, built }: Hosts): Promise<string> {
  await Promise.all([client, server].map((host) => host.must('apt-get update -qq')));
  await Promise.all([
    apt(client, built.previous, 'backup-common', 'backup-client'),
    apt(server, built.current, 'backup-common', 'backup-server'),
  ]);
  const versions = 'dpkg-query --show nodejs rsync restic 2>/dev/null | tr "\t\n" " ," || true';
  return `client: ${await client.must(versions)} server: ${await server.must(versions)}`;
}

async function quietAtFirst({ client, server }: Hosts): Promise<string> {
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

async function exposures({ client, server }: Hosts): Promise<string> {
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

async function configure({ client, server, network }: Hosts): Promise<string> {
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

async function clientTimer({ client }: Hosts): Promise<string> {
  assert.equal(await letFire(client, 'local-backup'), 'success');
  const units = await client.must('systemctl is-active shop.service slow.service');
  assert.equal(units, 'active\nactive\n');
  const archive = (await client.must('cd /var/backups/drop; ls *.tar.gz')).trim();
  assert.match(archive, /^client-\d{8}_\d{6}\.tar\.gz$/);
  assert.match(await client.must('journalctl --unit=local-backup --output=cat'), /^\{.*"stage":.*\}$/m);
  return `${archive}, both units run again`;
}

async function fetchingAccount({ client, server }: Hosts): Promise<string> {
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

function asFetcher(shell: string): string {
  return `cd /var/backups/drop; setpriv --reuid backup-fetch --regid backup-fetch --init-groups sh -c '${shell}'`;
}

async function serverTimer({ client, server, network }: Hosts): Promise<string> {
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

async function upkeepTimer({ server }: Hosts): Promise<string> {
  assert.equal(await letFire(server, 'restic-maintenance'), 'success');
  assert.match(await server.must('journalctl --unit=restic-maintenance --output=cat'), /forgotten 0/);
  return 'nothing forgotten, repository checked';
}

/** The account owns the bytes of what was published, and with them those of the base. */
async function changedBase({ client }: Hosts): Promise<string> {
  const change = 'dd if=/dev/zero of=$(ls done/client-*.tar.gz) bs=64 count=4 conv=notrunc status=none';
  await client.must(asFetcher(`chmod u+w done/client-*.tar.gz && ${change}`));
  assert.equal(await letFire(client, 'local-backup'), 'success');
  await client.must('local-backup verify --full $(ls /var/backups/drop/client-*.tar.gz)');
  return 'the next archive is whole all the same';
}

async function failureMail({ client, network }: Hosts): Promise<string> {
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

/** Starts a run by hand and comes back when it has stopped the first unit and waits for the second. */
async function runUntilHeld(client: Host): Promise<void> {
  await client.must('touch /run/hold; systemctl start --no-block local-backup.service');
  await eventually('the run has stopped the first unit', async () => {
    const { stdout } = await client.run('systemctl is-active shop.service');
    return stdout === 'inactive\n' ? true : undefined;
  });
}

async function powerCut({ client }: Hosts): Promise<string> {
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

async function upgrade({ client, server, built }: Hosts): Promise<string> {
  await client.must("echo '# edited' >>/etc/backup/client_config.yml");
  const before = await property(client, 'local-backup.service', 'InvocationID');
  await runUntilHeld(client);
  const invocation = await property(client, 'local-backup.service', 'InvocationID');
  await apt(client, built.current, 'backup-common', 'backup-client');
  assert.equal(await property(client, 'local-backup.service', 'ActiveState'), 'activating');
  assert.equal(await property(client, 'local-backup.service', 'InvocationID'), invocation);
  await client.must('rm /run/hold');
  assert.equal(await resultOfNextRun(client, 'local-backup', before), 'success');
  assert.equal(
    await client.must('systemctl is-active shop.service slow.service local-backup.timer'),
    'active\nactive\nactive\n',
  );
  assert.match(await client.must('tail -1 /etc/backup/client_config.yml'), /# edited/);
  await server.must('backup-server run client');
  const version = await client.must('dpkg-query --show backup-client');
  return `the run came to its end, the edited configuration stayed, now ${version.trim().replace('\t', ' ')}`;
}

async function remove({ client, server }: Hosts): Promise<string> {
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

async function purge({ client, server }: Hosts): Promise<string> {
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
