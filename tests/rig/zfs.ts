import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { fakePrograms } from './fake-programs.ts';
import { FakeZfs } from './fake-zfs.ts';

/** A pool for the time of a test. */
export interface TestZfs {
  /** Whether this is OpenZFS, or what stands for it where its kernel module is not loaded. */
  readonly isReal: boolean;
  /** The name of the pool, which is mounted at `folder`. */
  readonly pool: string;
  readonly folder: string;
  /** To be put in front of PATH. */
  readonly bin: string;
  /** Runs zfs; the answer is its standard output. */
  zfs(...args: string[]): Promise<string>;
  /** Restores streams by hand, one after the other. */
  receive(file: string, dataset: string): Promise<void>;
  /** The names of all snapshots and bookmarks. */
  left(): Promise<readonly string[]>;
  /** Puts a shell script around `zfs VERB`; `zfs "$@"` in it is the program itself. The answer takes it away again. */
  wrap(verb: string, script: string): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export async function startZfs(): Promise<TestZfs> {
  const home = await mkdtemp(join(tmpdir(), 'backup-zfs-'));
  await chmod(home, 0o755);
  const folder = join(home, 'pool');
  const isReal = existsSync('/dev/zfs');
  const pool = `test${process.pid}`;
  const { bin, stop } = await fakePrograms(home, isReal ? {} : new FakeZfs(home).programs);
  const program = isReal ? '/usr/sbin/zfs' : join(home, 'zfs');
  if (!isReal) await rename(join(bin, 'zfs'), program);
  const unwrap = () => (isReal ? rm(join(bin, 'zfs'), { force: true }) : symlink(program, join(bin, 'zfs')));
  if (!isReal) await unwrap();
  const run = async (file: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await execaRunner().run({ file, args, timeoutMs: 120_000 });
    if (exitCode !== 0) throw new BackupError(`${file} ${args[0]}: ${stderr}`);
    return stdout;
  };
  const zfs = (...args: string[]) => run(program, ...args);
  if (isReal) {
    await run('truncate', '--size=512M', join(home, 'disk'));
    await run('zpool', 'create', '-f', '-m', folder, pool, join(home, 'disk'));
  } else await zfs('create', '-o', `mountpoint=${folder}`, pool);
  return {
    isReal,
    pool,
    folder,
    bin,
    zfs,
    receive: async (file, dataset) => {
      await run('sh', '-c', 'exec "$0" receive -u "$1" < "$2"', program, dataset, file);
    },
    left: async () =>
      (await zfs('list', '-H', '-p', '-r', '-t', 'snapshot,bookmark', '-o', 'name', pool))
        .split('\n')
        .filter((name) => name !== '')
        .sort(),
    wrap: async (verb, script) => {
      await rm(join(bin, 'zfs'), { force: true });
      const text = `#!/bin/sh\nzfs() { ${program} "$@"; }\ncase $1 in ${verb})\n${script}\n;; *) zfs "$@";; esac\n`;
      await writeFile(join(bin, 'zfs'), text, { mode: 0o755 });
      return async () => {
        await rm(join(bin, 'zfs'));
        await unwrap();
      };
    },
    stop: async () => {
      stop();
      if (isReal) await run('zpool', 'destroy', '-f', pool);
      await rm(home, { recursive: true, force: true });
    },
  };
}
