import assert from 'node:assert/strict';
import { type Built, names, packageFile } from './build.ts';
import { type Container, openContainer } from './rig/container.ts';
import { pristineRoot, type Suite } from './rig/roots.ts';
import { type Scenario, tryEach } from './scenario.ts';

/** What can go wrong with an installation, on roots that are not booted; after each of them dpkg has nothing to mend. */
export function badInput(suite: Suite, built: Built): Scenario {
  const within = async (
    layer: 'minimal' | 'equipped',
    act: (inside: Container) => Promise<string>,
  ): Promise<string> => {
    const inside = await openContainer(await pristineRoot(suite, layer), [built.current, built.previous]);
    try {
      return await act(inside);
    } finally {
      await inside.remove();
    }
  };
  return {
    title: `bad input, ${suite}`,
    run: async (step) => {
      const files = (await Promise.all(names.map((name) => packageFile(built.current, name)))).join(' ');
      await tryEach(step, [
        ['a container without systemd', () => within('minimal', (inside) => withoutSystemd(inside, files))],
        ['no nodejs that is new enough', () => within('minimal', (inside) => withoutNode(inside, files))],
        ['a read-only /usr', () => within('equipped', (inside) => readOnlyUsr(inside, files))],
        ['no space in /var for apt', () => within('minimal', (inside) => noSpaceForApt(inside, files))],
        ['no space in /var for dpkg', () => within('equipped', (inside) => noSpaceForDpkg(inside, files))],
        ['no space in /var for a backup', () => within('equipped', (inside) => noSpaceForBackup(inside, files))],
        ['a configuration that is gone', () => within('equipped', (inside) => noConfiguration(inside, files))],
        ['a configuration of a newer version', () => within('equipped', (inside) => newerConfiguration(inside, files))],
        [
          'archives and repositories where the state is',
          () => within('equipped', (inside) => amidState(inside, files)),
        ],
      ]);
    },
  };
}

const install = 'apt-get install -y -qq --no-install-recommends';
const nothingToMend = 'test -z "$(dpkg --audit)"; apt-get check -qq';

async function withoutSystemd(inside: Container, files: string): Promise<string> {
  await inside.must(`test ! -e /lib/systemd/systemd; apt-get update -qq; ${install} ${files}; ${nothingToMend}
    test "$(stat -c '%U:%G %a' /var/backups/drop)" = root:backup-fetch\\ 1770
    mkdir -p /etc/backup/other/shop /srv/shop; echo 12 >/srv/shop/price
    printf 'service: { name: shop }\\nfiles: { paths: [/srv/shop] }\\n' >/etc/backup/other/shop/service.yaml
    echo 'mail: { none: true }' >>/etc/backup/client_config.yml
    local-backup run; ls /var/backups/drop/*.tar.gz
    apt-get purge -y -qq 'backup-*'; ${nothingToMend}; ls /var/backups/drop/*.tar.gz; test ! -e /etc/backup`);
  return 'installs, a run by hand works, purges';
}

async function withoutNode(inside: Container, files: string): Promise<string> {
  const { exitCode, stdout, stderr } = await inside.run(`apt-get update -qq
    printf 'Package: nodejs\\nPin: version *\\nPin-Priority: -1\\n' >/etc/apt/preferences.d/no-node
    apt-get install -y ${files}`);
  assert.equal(exitCode, 100);
  assert.match(
    stdout + stderr,
    /backup-common : Depends: nodejs \(>= 18\.20\) but it is not (installable|going to be installed)/,
  );
  await inside.must(`${nothingToMend}; test -z "$(dpkg-query --list 'backup-*' 2>/dev/null)"`);
  return 'apt refuses and names it';
}

async function readOnlyUsr(inside: Container, files: string): Promise<string> {
  const readOnly = 'mount --bind -o ro /usr /usr; mount -o remount,ro,bind /usr';
  const countInstalled = () => inside.must(`${nothingToMend}; dpkg-query --list 'backup-*' | grep -c '^ii' || true`);
  const isRefused = async (command: string): Promise<void> => {
    const { exitCode, stdout } = await inside.run(`${readOnly}; ${command} 2>&1`);
    assert.equal(exitCode, 100);
    for (const name of names) assert.ok(stdout.includes(`${name}: /usr is read-only. Nothing was changed.`), stdout);
  };
  await isRefused(`${install} ${files}`);
  assert.equal(await countInstalled(), '0\n');
  await inside.must(`${install} ${files}; ${nothingToMend}`);
  await isRefused(`${install} --reinstall ${files}`);
  assert.equal(await countInstalled(), '3\n');
  await inside.must(`${readOnly}; local-backup --version; local-backup ready || test $? = 1`);
  return 'each package says so, before anything is changed; installed, the programs need no writable one';
}

async function noSpaceForApt(inside: Container, files: string): Promise<string> {
  const { exitCode, stderr } = await inside.run(`apt-get update -qq
    mount -t tmpfs -o size=64k tmpfs /var/cache/apt/archives; ${install} ${files}`);
  assert.equal(exitCode, 100);
  assert.match(stderr, /don't have enough free space in \/var\/cache\/apt\/archives/);
  await inside.must(nothingToMend);
  return 'apt refuses and says where';
}

async function noSpaceForDpkg(inside: Container, files: string): Promise<string> {
  const { stdout, stderr } = await inside.run(`
    mkdir /full; mount -t tmpfs -o size=200M tmpfs /full; cp -a /var/lib/dpkg/. /full; sync
    mount -o remount,size=$(($(du -sk /full | cut -f1) + 4))k /full
    mount --bind /full /var/lib/dpkg
    ${install} ${files} && exit 7
    mount -o remount,size=200M /full
    apt-get install -y -qq -f; ${install} ${files}; ${nothingToMend}; echo mended`);
  assert.match(stdout + stderr, /No space left on device/);
  assert.match(stdout, /mended$/m);
  return 'dpkg says so; with space again one apt-get install mends it';
}

async function noSpaceForBackup(inside: Container, files: string): Promise<string> {
  const { stdout, stderr } = await inside.run(`${install} ${files} >/dev/null
    mount -t tmpfs -o size=1M tmpfs /var/backups; install -d -m 1770 -g backup-fetch /var/backups/drop
    mkdir -p /etc/backup/other/shop; printf 'service: { name: shop }\\nfiles: { paths: [/usr/bin] }\\n' >/etc/backup/other/shop/service.yaml
    echo 'mail: { none: true }' >>/etc/backup/client_config.yml
    local-backup run && exit 7; ls -A /var/backups/drop/.staging; ls /var/backups/drop/*.tar.gz 2>/dev/null || echo no archive`);
  assert.match(stdout, /no archive$/m);
  const said = /[^\n]*free[^\n]*/.exec(stdout + stderr)?.[0];
  assert.ok(said !== undefined, stdout + stderr);
  return said.trim();
}

async function noConfiguration(inside: Container, files: string): Promise<string> {
  const said = await inside.must(`${install} ${files} >/dev/null; rm /etc/backup/*_config*
    for program in local-backup backup-server; do $program ready && exit 7; done
    for program in local-backup backup-server restic-maintenance; do $program run 2>/dev/null && exit 7; done
    apt-get install -y -qq --reinstall ${files} >/dev/null; ls /etc/backup`);
  assert.match(said, /write \/etc\/backup\/client_config\.yml.*\n.*write \/etc\/backup\/server_config\.yml/);
  assert.match(said, /^client_config\.yml\ncommon_config\nserver_config\.yml$/m);
  return 'one line each; installing again makes a new one';
}

async function newerConfiguration(inside: Container, files: string): Promise<string> {
  const said = await inside.must(`${install} ${files} >/dev/null
    for side in client server; do echo 'keep_weeks: 3' >>/etc/backup/${'$'}{side}_config.yml; done
    local-backup run 2>&1 && exit 7 || echo "client exit $?"
    backup-server run 2>&1 && exit 7 || echo "server exit $?"
    apt-get install -y -qq --reinstall ${files} >/dev/null; ${nothingToMend}; tail -qn 1 /etc/backup/client_config.yml`);
  assert.match(said, /client_config\.yml:\d+:\d+: keep_weeks: is no known key.*client exit 2/s);
  assert.match(said, /server_config\.yml:\d+:\d+: keep_weeks: is no known key.*server exit 2/s);
  assert.match(said, /keep_weeks: 3\n?$/);
  return 'the key it does not know, by line and column; installing again leaves it';
}

async function amidState(inside: Container, files: string): Promise<string> {
  const said = await inside.must(`${install} ${files} >/dev/null
    mkdir -p /var/lib/backup/drop /var/lib/backup/restic/web
    touch /var/lib/backup/drop/web-20260101_030000.tar.gz /var/lib/backup/restic/web/config
    sed -i 's,^base_backup_dir:.*,base_backup_dir: /var/lib/backup/drop,' /etc/backup/client_config.yml
    sed -i 's,repository_root:.*,repository_root: /var/lib/backup/restic,' /etc/backup/server_config.yml
    apt-get purge -y -qq 'backup-*' 2>&1; ${nothingToMend}; cd /var/lib/backup; ls -d * */*`);
  assert.match(said, /archives in \/var\/lib\/backup\/drop stay/);
  assert.match(said, /repositories in \/var\/lib\/backup\/restic stay/);
  assert.match(said, /^drop\ndrop\/web-20260101_030000\.tar\.gz\nrestic\nrestic\/web$/m);
  return 'purging leaves them';
}
