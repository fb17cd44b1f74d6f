import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

/** A real btrfs on a file, mounted for the time of a test. */
export interface TestBtrfs {
  /** Where its top is mounted. */
  readonly folder: string;
  run(file: string, ...args: string[]): Promise<string>;
  /** The paths of all subvolumes from the top. */
  subvolumes(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startBtrfs(): Promise<TestBtrfs> {
  const home = await mkdtemp(join(tmpdir(), 'backup-btrfs-'));
  const [image, folder] = [join(home, 'image'), join(home, 'top')];
  const runner = execaRunner();
  const run = async (file: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runner.run({ file, args, timeoutMs: 60_000 });
    if (exitCode !== 0) throw new BackupError(`${file} ${args[0]}: ${stderr}`);
    return stdout;
  };
  const stop = async (): Promise<void> => {
    await run('umount', '--recursive', folder).catch(() => undefined);
    await rm(home, { recursive: true, force: true });
  };
  try {
    await run('truncate', '--size=256M', image);
    await run('mkfs.btrfs', '--quiet', image);
    await mkdir(folder);
    await run('mount', '-o', 'loop', image, folder);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    folder,
    run,
    subvolumes: async () =>
      [...(await run('btrfs', 'subvolume', 'list', folder)).matchAll(/ path (.+)$/gm)]
        .map(([, path = '']) => path)
        .sort(),
    stop,
  };
}

/** Why there can be no btrfs here; undefined when there can. */
export async function btrfsProblem(): Promise<string | undefined> {
  try {
    await (await startBtrfs()).stop();
    return undefined;
  } catch (error) {
    return `needs root, loop devices and btrfs in the kernel: ${String(error)}`;
  }
}
