import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { snapshotTags } from '#common/archive/snapshot-tags.ts';
import { BackupError } from '#common/errors.ts';
import type { CommandResult } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import type { Runner } from '#common/process/runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import type { HostConfig, ResticConfig } from '../config.ts';
import { openRestic, type Restic } from '../restic/restic.ts';
import { makeQuickRepository, quickPassword } from './quick-repository.ts';

export interface OpenOptions {
  readonly host?: Partial<HostConfig>;
  readonly config?: Partial<ResticConfig>;
  readonly runner?: Runner;
}

/** A repository of real restic in a temporary folder, and a tree to put into it. */
export interface TestRepository {
  /** Holds all of the others. */
  readonly folder: string;
  readonly path: string;
  readonly tree: string;
  readonly passwordFile: string;
  readonly host: HostConfig;
  open(options?: OpenOptions): Promise<Restic>;
  /** restic itself, run in the tree. */
  restic(...args: string[]): Promise<CommandResult>;
  /** A snapshot of that day of January 2026; services by the letter, in upper case those that had failed. */
  store(day: number, services: string): Promise<void>;
  /** The days of the snapshots that are there. */
  days(): Promise<readonly number[]>;
  /** A restic that stands still after it locked the repository: a `backup`, or a `prune`, which locks out all others. */
  holdLock(test: Pick<TestContext, 'after'>, command: 'backup' | 'prune'): Promise<RunningRestic>;
  /** All files of the repository with size and time of change. */
  files(): Promise<readonly string[]>;
}

export interface RunningRestic {
  /** Lets it go on to its end: its lock goes with it. */
  goOn(): Promise<void>;
  /** Its lock stays behind. */
  kill(): Promise<void>;
}

/** Empty, or still to be made. */
export async function testRepository(test: Pick<TestContext, 'after'>, isThere = true): Promise<TestRepository> {
  const folder = await tempFolder(test);
  const path = join(folder, 'repository');
  const tree = join(folder, 'tree');
  const passwordFile = join(folder, 'password');
  await mkdir(tree);
  await writeFile(passwordFile, `${quickPassword}\n`, { mode: 0o600 });
  const env = {
    TZ: 'UTC',
    RESTIC_REPOSITORY: path,
    RESTIC_PASSWORD_FILE: passwordFile,
    RESTIC_CACHE_DIR: join(folder, 'cache'),
  };
  const restic = (...args: string[]) => execaRunner().run({ file: 'restic', args, env, cwd: tree });
  const resticOrThrow = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await restic(...args);
    if (exitCode !== 0) throw new BackupError(`restic ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  if (isThere) await makeQuickRepository(path);
  const host = hostWith(path, passwordFile);
  const config: ResticConfig = {
    command: 'restic',
    cacheDir: join(folder, 'cache'),
    envFile: undefined,
    retryLockSeconds: 0,
    backupOptions: [],
  };
  return {
    folder,
    path,
    tree,
    passwordFile,
    host,
    open: (more = {}) =>
      openRestic({ ...host, ...more.host }, { ...config, ...more.config }, more.runner ?? execaRunner()),
    restic,
    store: async (day, services) => {
      await writeFile(join(tree, 'file'), `what was there on day ${day}`);
      const tags = tagsOf(day, services).flatMap((tag) => ['--tag', tag]);
      await resticOrThrow('backup', '--host', 'web', '--time', `2026-01-0${day} 00:00:00`, ...tags, '.');
    },
    days: async () => {
      const text = await resticOrThrow('snapshots', '--json', '--no-lock');
      return (JSON.parse(text) as { time: string }[]).map(({ time }) => Number(time.slice(8, 10)));
    },
    holdLock: (during, command) => {
      const args = command === 'backup' ? ['backup', tree] : ['prune'];
      return holdLock(join(path, 'locks'), args, env, during);
    },
    files: () => filesOf(path),
  };
}

function hostWith(repository: string, passwordFile: string): HostConfig {
  return {
    name: 'web',
    connection: { type: 'local', folder: '/nowhere' },
    repository,
    passwordFile,
    adminEmail: undefined,
    keep: [['--keep-last', '2']],
    bandwidthLimit: undefined,
    afterFetch: 'move',
    tree: 'keep',
    archiveTimeZone: 'UTC',
    optional: false,
    maxAgeSeconds: 36 * 3600,
    retries: 0,
    retryPauseMs: 0,
    maxEntries: 1000,
  };
}

function tagsOf(day: number, services: string): readonly string[] {
  const facts = [...services].map((letter) => ({
    type: 't',
    name: letter.toLowerCase(),
    outcome: letter === letter.toLowerCase() ? ('ok' as const) : ('failed' as const),
  }));
  return snapshotTags('web', `2026010${day}_000000`, facts);
}

/** Resolves when the lock is there, and the restic that made it has stopped. */
async function holdLock(
  locks: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  test: Pick<TestContext, 'after'>,
): Promise<RunningRestic> {
  const watcher = watch(locks);
  const child = spawn('restic', args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  const exited = once(child, 'exit');
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    child.kill(name);
    await exited;
  };
  test.after(() => signal('SIGKILL'));
  const first = await Promise.race([lockIn(watcher), exited]);
  watcher.close();
  if (first !== undefined) throw new BackupError(`restic ${args.join(' ')} ended without a lock`);
  child.kill('SIGSTOP');
  return { goOn: () => signal('SIGCONT'), kill: () => signal('SIGKILL') };
}

/** A lock has its name when it is whole; before that it has a temporary one. */
function lockIn(watcher: FSWatcher): Promise<void> {
  return new Promise((resolve) => {
    watcher.on('change', (_type, name) => {
      if (/^[0-9a-f]{64}$/.test(String(name))) resolve();
    });
  });
}

async function filesOf(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true })).sort();
  return Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name));
      return `${name} ${size} ${mtimeMs}`;
    }),
  );
}
