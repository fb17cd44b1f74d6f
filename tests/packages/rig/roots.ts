import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { must } from './commands.ts';
import { mirrors } from './mirrors.ts';
import { nspawnCommand, removeCgroups, scriptArguments } from './nspawn.ts';
import { placeFor } from './place.ts';

export type Suite = 'bookworm' | 'trixie';

/** What a root has beside Debian's smallest set. */
const layers = {
  /** Nothing: as in a container image. */
  minimal: undefined,
  /** What our packages depend on. */
  equipped: 'nodejs restic rsync openssh-server systemd-standalone-sysusers',
  /** What every host has that one can log in to. */
  bootable: 'systemd systemd-sysv dbus libpam-systemd openssh-server ca-certificates iproute2 netbase',
} as const;

/** What tests packages; in the newest release, whose lintian knows most. */
const testers = 'lintian piuparts autopkgtest openssh-client mmdebstrap';

/** A pristine root of a release; made once and never changed. */
export async function pristineRoot(suite: Suite, layer: keyof typeof layers): Promise<string> {
  return makeOnce(`${suite}-${layer}`, async (path) => {
    const added = layers[layer];
    if (added === undefined) await bootstrap(suite, path);
    else await extend(await pristineRoot(suite, 'minimal'), path, added);
  });
}

export async function testersRoot(): Promise<string> {
  return makeOnce('testers', async (path) => extend(await pristineRoot('trixie', 'minimal'), path, testers));
}

/** Under its own name only when it is whole. */
async function makeOnce(name: string, make: (path: string) => Promise<void>): Promise<string> {
  const path = await placeFor('roots', name);
  if (existsSync(path)) return path;
  console.log(`rig: making the root ${name}`);
  const partial = `${path}.partial`;
  await rm(partial, { recursive: true, force: true });
  await make(partial);
  await rename(partial, path);
  return path;
}

async function bootstrap(suite: Suite, path: string): Promise<void> {
  const { main, security } = await mirrors();
  const sources = [
    `deb ${main} ${suite} main`,
    `deb ${main} ${suite}-updates main`,
    `deb ${security} ${suite}-security main`,
  ];
  const hooks = [
    '--customize-hook=rm -f "$1"/etc/resolv.conf "$1"/etc/hostname',
    '--customize-hook=: >"$1"/etc/machine-id',
  ];
  const args = ['--quiet', '--variant=minbase', '--mode=root', ...hooks, suite, path, '-'];
  await must('mmdebstrap', args, { input: `${sources.join('\n')}\n` });
}

async function extend(from: string, path: string, packages: string): Promise<void> {
  await must('cp', ['-a', from, path]);
  const { file, args } = nspawnCommand(path, undefined, scriptArguments(installing(packages)));
  try {
    await must(file, args);
  } finally {
    await removeCgroups(path);
  }
}

/** Starts nothing while it installs, and leaves neither keys nor downloads. */
function installing(packages: string): string {
  return `
    printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io ${packages}
    rm -rf /usr/sbin/policy-rc.d /etc/ssh/ssh_host_* /var/lib/apt/lists/*
    apt-get clean
    : >/etc/machine-id`;
}
