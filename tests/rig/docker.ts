import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { composePlugin } from './compose-plugin.ts';
import { waitFor } from './running.ts';

/** A real docker engine in namespaces of its own: no bridge, no firewall rule and no mount is seen outside. */
export interface TestDocker {
  /** What docker and compose need to find it. */
  readonly env: Readonly<Record<'DOCKER_HOST' | 'DOCKER_CONFIG', string>>;
  readonly folder: string;
  /** For `tools.docker`: `docker compose`, and `docker-compose` where there is version 1, too. */
  readonly composes: readonly string[];
  /** The engine's process. */
  readonly pid: number;
  docker(...args: string[]): Promise<string>;
  run(command: Command): Promise<string>;
  stop(): Promise<void>;
}

/** The one image there is: busybox. Nothing is ever pulled from a registry on the network. */
export const image = 'rig/busybox:1';

export async function startDocker(): Promise<TestDocker> {
  const folder = await mkdtemp(join(tmpdir(), 'backup-docker-'));
  const host = `unix://${join(folder, 'docker.sock')}`;
  const cgroup = `/${folder.split('/').at(-1)}`;
  const daemon = startDaemon(folder, host, cgroup);
  const config = join(folder, 'config');
  const env = { DOCKER_HOST: host, DOCKER_CONFIG: config };
  const run = async (command: Command): Promise<string> => {
    const { exitCode, stdout, stderr } = await execaRunner().run({ ...command, env, timeoutMs: 120_000 });
    if (exitCode !== 0) throw new BackupError(`${command.file} ${command.args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const docker = (...args: string[]) => run({ file: 'docker', args });
  const stop = async (): Promise<void> => {
    await stopDaemon(daemon);
    await removeCgroups(cgroup);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitFor(async () => {
      if (daemon.exitCode !== null) throw new BackupError('dockerd ended instead of listening');
      return isGood(docker('version'));
    });
    await importImage(join(folder, 'image'), run);
    const composes = await composesHere(config, run);
    if (daemon.pid === undefined || composes[0] !== 'docker compose') {
      throw new BackupError('there is no compose of version 2');
    }
    return {
      env,
      folder,
      composes,
      pid: daemon.pid,
      run,
      docker,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startDaemon(folder: string, host: string, cgroup: string): ChildProcess {
  const options = [
    ...['--host', host, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', cgroup],
  ];
  const inNamespaces = ['unshare', '--net', '--mount', 'sh', '-c', 'ip link set lo up; exec dockerd "$@"', 'sh'];
  const daemon = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...inNamespaces, ...options], { stdio: 'ignore' });
  const endWithUs = () => daemon.kill();
  process.once('exit', endWithUs);
  daemon.once('exit', () => process.off('exit', endWithUs));
  daemon.once('error', () => undefined); // then there is no exit code and nobody listens
  return daemon;
}

/** It ends its containers itself. */
async function stopDaemon(daemon: ChildProcess): Promise<void> {
  if (daemon.pid === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill();
  await ended;
}

async function removeCgroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup';
  for (const folder of ['', ...(await readdir(root))].map((each) => join(root, each, name))) {
    for (const inner of await readdir(folder).catch(() => [])) await rmdir(join(folder, inner)).catch(() => undefined);
    await rmdir(folder).catch(() => undefined);
  }
}

async function importImage(folder: string, run: (command: Command) => Promise<string>): Promise<void> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await mkdir(join(folder, 'tmp'));
  await copyFile('/bin/busybox', join(bin, 'busybox'));
  for (const name of ['sh', 'sleep', 'cat', 'test', 'touch', 'rm']) await symlink('busybox', join(bin, name));
  const packed = `${folder}.tar`;
  await run({ file: 'tar', args: ['-C', folder, '-cf', packed, '.'] });
  await run({ file: 'docker', args: ['import', '--change', 'ENV PATH=/bin', packed, image] });
}

async function composesHere(config: string, run: (command: Command) => Promise<string>): Promise<readonly string[]> {
  const plugin = await composePlugin().catch(() => undefined);
  if (plugin !== undefined) {
    await mkdir(join(config, 'cli-plugins'), { recursive: true });
    await symlink(plugin, join(config, 'cli-plugins/docker-compose'));
    await writeFile(join(config, 'config.json'), '{}');
  }
  const found: string[] = [];
  for (const compose of ['docker compose', 'docker-compose']) {
    const [file = '', ...words] = compose.split(' ');
    if (await isGood(run({ file, args: [...words, 'version'] }))) found.push(compose);
  }
  return found;
}

function isGood(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}
