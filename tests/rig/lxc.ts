import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

/** Real containers of LXC in a folder of their own, with busybox in them. */
export interface TestLxc {
  /** For `lxc_path`. */
  readonly path: string;
  /** Makes a container, stopped. */
  create(name: string): Promise<void>;
  lxc(verb: string, name: string, ...args: string[]): Promise<string>;
  state(name: string): Promise<string>;
  rootfs(name: string): string;
  stop(): Promise<void>;
}

/** In a folder below `parent`; each root file system is of the kind `storage`, such as a subvolume with `btrfs`. */
export async function startLxc(parent = tmpdir(), storage: 'dir' | 'btrfs' = 'dir'): Promise<TestLxc> {
  const path = await mkdtemp(join(parent, 'backup-lxc-'));
  const names: string[] = [];
  const lxc = async (verb: string, name: string, ...args: string[]): Promise<string> => {
    const command = { file: `lxc-${verb}`, args: ['--lxcpath', path, '--name', name, ...args], timeoutMs: 60_000 };
    const { exitCode, stdout, stderr } = await execaRunner().run(command);
    if (exitCode !== 0) throw new BackupError(`lxc-${verb} ${name}: ${stderr}`);
    return stdout;
  };
  const killAll = (): void => {
    for (const name of names) spawnSync('lxc-stop', ['--lxcpath', path, '--name', name, '--kill']);
  };
  process.once('exit', killAll);
  const rootfs = (name: string) => join(path, name, 'rootfs');
  const create = async (name: string): Promise<void> => {
    const defaults = join(path, 'default.conf');
    await writeFile(defaults, 'lxc.net.0.type = empty\nlxc.apparmor.profile = unconfined\n');
    await lxc('create', name, '--config', defaults, '--bdev', storage, '--template', 'busybox');
    names.push(name);
    const start = join(rootfs(name), 'etc/init.d/rcS');
    const script = await readFile(start, 'utf8');
    await writeFile(start, script.replace(/^.*udhcpc.*$/m, '')); // it would wait for a network
  };
  const stop = async (): Promise<void> => {
    process.off('exit', killAll);
    for (const name of names) await lxc('destroy', name, '--force').catch(() => undefined);
    await rm(path, { recursive: true, force: true });
  };
  try {
    await create('first');
    await lxc('start', 'first');
    await lxc('stop', 'first', '--kill');
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    path,
    create,
    lxc,
    rootfs,
    state: async (name) => (await lxc('info', name, '--state', '--no-humanize')).trim(),
    stop,
  };
}
