import { readFile } from 'node:fs/promises';
import { parseEnvFile } from '#common/config/env-file.ts';
import { Problems } from '#common/config/problems.ts';
import { BackupError, kindOf } from '#common/errors.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import type { Runner } from '#common/process/runner.ts';
import type { HostConfig, ResticConfig } from '../config.ts';
import type { KeepRule } from '../forget-policy.ts';
import {
  type BackupRequest,
  backupArguments,
  forgetArguments,
  type RestoreRequest,
  restoreArguments,
} from './restic-arguments.ts';
import { resticFailure } from './restic-failure.ts';
import {
  type BackupSummary,
  parseBackupSummary,
  parseForgetPlan,
  parseRawSize,
  parseSnapshots,
  parseVersion,
  type Snapshot,
} from './restic-output.ts';

/** One host's repository. Every function rejects with a BackupError that tells what is wrong with it. */
export interface Restic {
  readonly repository: string;
  init(): Promise<void>;
  /** Of this host, oldest first. */
  snapshots(): Promise<readonly Snapshot[]>;
  backup(request: BackupRequest): Promise<BackupSummary>;
  restore(request: RestoreRequest): Promise<void>;
  /** Paths of what lies directly in a folder of a snapshot, folders with a slash at their end; '' is its root. */
  list(snapshot: string, path: string): Promise<readonly string[]>;
  /** Removes locks whose restic has ended; never those of a running one. */
  unlock(): Promise<void>;
  /** Which snapshots the rules would remove. */
  planForget(rules: readonly KeepRule[]): Promise<readonly string[]>;
  forget(ids: readonly string[]): Promise<void>;
  prune(): Promise<void>;
  check(options: readonly string[]): Promise<void>;
  /** Bytes that its data takes. */
  rawSize(): Promise<number>;
}

/** A lock older than this belongs to a restic that is stuck; ours is ended then. */
const longTimeoutMs = 24 * 3_600_000;
const lookTimeoutMs = 10 * 60_000;

export async function openRestic(host: HostConfig, config: ResticConfig, runner: Runner): Promise<Restic> {
  const { repository } = host;
  const env = await environmentFor(host, config);
  const retryLock = await retryLockArguments(config, runner);
  const run = (args: readonly string[], more: Partial<Command> = {}): Promise<CommandResult> =>
    runner.run({ file: config.command, args, env, timeoutMs: longTimeoutMs, ...more });
  const runOrFail = async (what: string, args: readonly string[], more: Partial<Command> = {}): Promise<string> => {
    const result = await run(args, more);
    if (result.exitCode !== 0) throw resticFailure(`${what} of ${host.name}`, repository, result);
    return result.stdout;
  };
  /** A prune that was killed locks out every backup; unlock takes away the locks of the dead only. */
  const runPastDeadLocks = async (args: readonly string[], more: Partial<Command>): Promise<CommandResult> => {
    const result = await run(args, more);
    if (result.exitCode === 0 || kindOf(resticFailure('', repository, result)) !== 'locked') return result;
    await run(['unlock']);
    return run(args, more);
  };
  const look = (what: string, args: readonly string[]) =>
    runOrFail(what, [...args, '--no-lock'], { timeoutMs: lookTimeoutMs });
  return {
    repository,
    init: async () => {
      await runOrFail('making the repository', ['init']);
    },
    snapshots: async () =>
      parseSnapshots(await look('looking into the repository', ['snapshots', '--json', '--host', host.name])),
    backup: async (request) => {
      const args = backupArguments(host.name, request, [...retryLock, ...config.backupOptions]);
      const result = await runPastDeadLocks(args, { cwd: request.folder });
      const summary = parseBackupSummary(result.stdout);
      if (result.exitCode === 3) {
        if (summary !== undefined) await runOrFail('restic forget', ['forget', ...retryLock, '--', summary.snapshotId]);
        throw incomplete(host.name, result);
      }
      if (result.exitCode !== 0 || summary === undefined)
        throw resticFailure(`restic backup of ${host.name}`, repository, result);
      return summary;
    },
    restore: async (request) => {
      await runOrFail('restic restore', restoreArguments(request));
    },
    list: async (snapshot, path) => listed(await look('listing a snapshot', ['ls', '--json', snapshot, `/${path}`])),
    unlock: async () => {
      await runOrFail('restic unlock', ['unlock']);
    },
    planForget: async (rules) =>
      parseForgetPlan(await look('planning what to forget', forgetArguments(host.name, rules))),
    forget: async (ids) => {
      await runOrFail('restic forget', ['forget', ...retryLock, '--', ...ids]);
    },
    prune: async () => {
      await runOrFail('restic prune', ['prune', ...retryLock]);
    },
    check: async (options) => {
      await runOrFail('restic check', ['check', ...retryLock, ...options]);
    },
    rawSize: async () =>
      parseRawSize(await look('measuring the repository', ['stats', '--json', '--mode', 'raw-data'])),
  };
}

/**
 * Everything secret goes by the environment. Times are UTC whatever the machine's zone is. What an administrator's shell
 * exports for another repository is emptied: restic refuses two sources of one thing.
 */
async function environmentFor(host: HostConfig, config: ResticConfig): Promise<Record<string, string>> {
  return {
    ...(config.envFile === undefined ? {} : await readEnvironment(config.envFile)),
    TZ: 'UTC',
    RESTIC_REPOSITORY: host.repository,
    RESTIC_REPOSITORY_FILE: '',
    RESTIC_PASSWORD_FILE: host.passwordFile,
    RESTIC_PASSWORD_COMMAND: '',
    RESTIC_CACHE_DIR: config.cacheDir,
    RESTIC_PROGRESS_FPS: '0.016',
  };
}

async function readEnvironment(file: string): Promise<Record<string, string>> {
  const problems = new Problems();
  const values = parseEnvFile(file, await readFile(file, 'utf8'), problems);
  problems.throwIfAny();
  return Object.fromEntries([...values].map(([key, { value }]) => [key, value]));
}

/** restic waits for a lock itself from 0.16 on. */
async function retryLockArguments(config: ResticConfig, runner: Runner): Promise<readonly string[]> {
  const { stdout } = await runner.run({ file: config.command, args: ['version'], timeoutMs: 60_000 });
  const [major, minor] = parseVersion(stdout);
  return major > 0 || minor >= 16 ? ['--retry-lock', `${config.retryLockSeconds}s`] : [];
}

function incomplete(host: string, { stderr }: CommandResult): BackupError {
  return new BackupError(
    `restic backup of ${host} could not read everything: ${stderr.trim().split('\n').slice(-3).join(' / ')}`,
    {
      kind: 'incomplete',
      hint: 'The snapshot it made was not whole and was taken back. Look at the disk of the tree (local_temp_base_dir), then run again.',
    },
  );
}

function listed(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.includes('"struct_type":"node"'))
    .map((line) => {
      const node = JSON.parse(line) as { path: string; type: string };
      return node.type === 'dir' ? `${node.path}/` : node.path;
    });
}
