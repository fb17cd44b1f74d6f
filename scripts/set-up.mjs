// Makes a fresh clone ready: npm packages, and the programs that the demo and the tests run. Plain Node, since it runs
// before anything is installed. Quick and quiet when all is there.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Program → the Debian package that has it, or several of which the first that there is. */
const programs = {
  restic: 'restic',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  tar: 'tar',
  rsync: 'rsync',
  pigz: 'pigz',
  setfacl: 'acl',
  setfattr: 'attr',
  setcap: 'libcap2-bin',
  openssl: 'openssl',
  rclone: 'rclone',
  'mkfs.btrfs': 'btrfs-progs',
  pg_ctlcluster: 'postgresql',
  mariadbd: 'mariadb-server',
  sqlite3: 'sqlite3',
  dockerd: 'docker.io',
  docker: ['docker-cli', 'docker.io'], // Debian 13 has a package of its own for it
  'docker-compose': 'docker-compose',
  busybox: 'busybox-static',
  'lxc-start': 'lxc',
  ip: 'iproute2',
  // Manual pages and completions are tried in what reads them.
  man: 'man-db',
  zsh: 'zsh',
  fish: 'fish',
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
  influxd: 'influxdb',
  influx: 'influxdb-client',
  bzip2: 'bzip2',
  // The slow tests make small Debian 13s: a storage server, and a machine with OpenZFS.
  ...(process.argv.includes('--slow') && { mmdebstrap: 'mmdebstrap' }),
  // To build the packages, and to boot pristine hosts that they are tested on.
  ...(process.argv.includes('--packages') && {
    'dpkg-buildpackage': 'dpkg-dev',
    'g++': 'build-essential',
    dh: 'debhelper',
    mmdebstrap: 'mmdebstrap',
    'systemd-nspawn': 'systemd-container',
    nsenter: 'util-linux',
    ip: 'iproute2',
  }),
};

installNodeModules();
installPackages();

function installNodeModules() {
  const stamp = 'node_modules/.package-lock.json';
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync('package-lock.json').mtimeMs) return;
  console.log('set-up: npm packages (npm ci)');
  run(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund'],
    'The npm packages could not be installed; is the registry reachable?',
  );
}

function installPackages() {
  const missing = [
    ...new Set(
      Object.entries(programs)
        .filter(([name]) => !isThere(name))
        .map(([, names]) => packageHere([names].flat())),
    ),
  ];
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (!isThere('apt-get')) stop(`These Debian packages are missing, and there is no apt here: ${missing.join(' ')}`);
  if (process.geteuid() !== 0) stop(`These Debian packages are missing. Install them as root:\n  ${command}`);
  console.log(`set-up: Debian packages: ${missing.join(' ')}`);
  withoutStartingServices(() => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const advice = `Try it by hand:\n  apt-get update && ${command}`;
    run('apt-get', ['update', '-qq'], advice, env);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], advice, env);
  });
}

function packageHere(names) {
  return names.find((name) => spawnSync('apt-cache', ['show', name]).status === 0) ?? names.at(-1);
}

/** Installing sshd must not start it: policy-rc.d forbids that while we install. */
function withoutStartingServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (isOurs) rmSync(policy, { force: true });
  }
}

function isThere(program) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(file, args, advice, env = process.env) {
  const { status, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) stop(`${file} ${args[0]} failed:\n${stdout ?? ''}${stderr ?? ''}\n${advice}`);
}

function stop(message) {
  console.error(`set-up: ${message}`);
  process.exit(1);
}
