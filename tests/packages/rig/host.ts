import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CommandResult } from '#common/process/command.ts';
import { must, run, succeeded } from './commands.ts';
import { eventually } from './eventually.ts';
import type { Network } from './network.ts';
import { cgroupsOf, nspawnCommand, removeCgroups } from './nspawn.ts';
import { placeFor } from './place.ts';

/** A Debian that was booted, with systemd as its first process, its own disk, name and address. */
export interface Host {
  readonly name: string;
  readonly address: string;
  /** Runs a script of sh with `-e`, as root. */
  run(shell: string): Promise<CommandResult>;
  /** Standard output of a script that must succeed. */
  must(shell: string): Promise<string>;
  write(path: string, text: string, mode?: string): Promise<void>;
  /** Ends everything in it at once, and boots the same disk again. */
  cutPowerAndBoot(): Promise<void>;
  remove(): Promise<void>;
}

export interface HostOptions {
  readonly name: string;
  readonly address: string;
  /** The pristine root it is made of. */
  readonly root: string;
  readonly network: Network;
  /** Folders of this machine that are in it under their own paths, read-only. */
  readonly shared: readonly string[];
}

export async function bootHost(options: HostOptions): Promise<Host> {
  const { name, address, network } = options;
  const folder = await placeFor('run', name);
  await removeCgroups(folder);
  await rm(folder, { recursive: true, force: true });
  await furnish(join(folder, 'upper'), options);
  let machine = await boot(folder, options);
  const inside = (shell: string, input?: string) =>
    run(...enter(folder, machine.pid, shell), { ...(input !== undefined && { input }) });
  return {
    name,
    address,
    run: (shell) => inside(shell),
    must: async (shell) => succeeded(`${name}: ${shell}`, await inside(shell)),
    write: async (path, text, mode = '0600') => {
      const shell = `install -d -m 0755 ${dirname(path)}; cat >${path}; chmod ${mode} ${path}`;
      succeeded(`${name}: write ${path}`, await inside(shell, text));
    },
    cutPowerAndBoot: async () => {
      process.kill(machine.pid, 'SIGKILL');
      await ended(machine.nspawn);
      machine = await boot(folder, options);
    },
    remove: async () => {
      process.kill(machine.pid, 'SIGKILL');
      await ended(machine.nspawn);
      await network.unplug(name);
      await removeCgroups(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What tells one host from another, and keeps it from looking for a network that is not there. */
async function furnish(upper: string, { name, network }: HostOptions): Promise<void> {
  const files = {
    'etc/hostname': `${name}\n`,
    'etc/hosts': `127.0.0.1 localhost\n127.0.1.1 ${name}\n`,
    'etc/resolv.conf': '',
    'etc/apt/apt.conf.d/00proxy': `Acquire::http::Proxy "http://${network.gateway}:${network.proxyPort}";\nDpkg::Options:: "--force-unsafe-io";\n`,
    'var/log/journal/.keep': '',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    await writeFile(join(upper, path), text);
  }
  await mkdir(join(upper, 'etc/ssh'));
  await must('ssh-keygen', ['-A', '-f', upper]);
}

interface Machine {
  readonly nspawn: ChildProcess;
  /** Of its first process, as this machine counts. */
  readonly pid: number;
}

async function boot(folder: string, { name, address, root, network, shared }: HostOptions): Promise<Machine> {
  await removeCgroups(folder);
  const namespace = await network.plugIn(name, address);
  const { file, args } = nspawnCommand(folder, root, [
    '--boot',
    `--machine=${name}`,
    `--network-namespace-path=/run/netns/${namespace}`,
    '--capability=CAP_NET_ADMIN', // without it systemd passes over PrivateNetwork=
    '--resolv-conf=off',
    '--console=read-only',
    ...shared.map((path) => `--bind-ro=${path}`),
  ]);
  // Dies with this process, and the host with it.
  const nspawn = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], { stdio: 'ignore' });
  const pid = await eventually(`${name} has a first process`, () => firstProcessBelow(nspawn.pid ?? 0));
  await eventually(`${name} is up`, async () => {
    const state = (await run(...enter(folder, pid, 'systemctl is-system-running'))).stdout.trim();
    return ['running', 'degraded'].includes(state) ? state : undefined;
  });
  return { nspawn, pid };
}

/** The child of nspawn that is systemd. */
function firstProcessBelow(nspawn: number): number | undefined {
  const children = readdirSync(`/proc/${nspawn}/task`).flatMap((task) =>
    readFileSync(`/proc/${nspawn}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((pid) => pid !== ''),
  );
  return children.map(Number).find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'systemd');
}

/** A process in all namespaces of the host, and in its cgroup, without which logind does not know it. */
function enter(folder: string, pid: number, shell: string): [file: string, args: readonly string[]] {
  const groups = cgroupsOf(folder).map((path) => join(path, 'payload/init.scope/cgroup.procs'));
  const join_ = groups.map((path) => `[ ! -e ${path} ] || echo $$ >${path};`).join(' ');
  const environment = [
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
    'LC_ALL=C.UTF-8',
    'DEBIAN_FRONTEND=noninteractive',
  ];
  const nsenter = `exec nsenter -t ${pid} -m -u -i -n -p -C -r -w -- env -i ${environment.join(' ')} sh -ec "$1"`;
  return ['sh', ['-c', `${join_} ${nsenter}`, 'enter', shell]];
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve));
}
