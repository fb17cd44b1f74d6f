import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { formatDuration } from '#common/config/duration.ts';
import { BackupError, exitCodes } from '#common/errors.ts';
import type { PartReport } from '#common/run/report.ts';
import type { HostConfig, ServerConfig } from '../config.ts';
import { type HostStatus, hostStatus, unknownStatus } from '../host-status.ts';
import { selectHosts } from '../select-hosts.ts';
import { commonTools, load } from './load.ts';

/** `backup-server status [HOST…]`: exit code 1 when a host has no good backup younger than its max_age. */
export async function status(context: CommandContext): Promise<CommandOutcome> {
  const config = await load(context.configDir);
  const hosts = selectHosts(config.hosts, context.args);
  const found = await Promise.all(hosts.map((host) => statusOf(host, config, context)));
  const exitCode = found.every(({ isGood }) => isGood) ? exitCodes.done : exitCodes.failed;
  return { exitCode, text: table(found), json: found };
}

async function statusOf(host: HostConfig, config: ServerConfig, context: CommandContext): Promise<HostStatus> {
  const tools = commonTools(config, context);
  const lastRun = await lastRunOf(host, config);
  try {
    const restic = await tools.openRestic(host);
    return hostStatus(
      host,
      { snapshots: await restic.snapshots(), repositoryBytes: await restic.rawSize() },
      lastRun,
      tools.now(),
    );
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return unknownStatus(host, error.message, lastRun);
  }
}

async function lastRunOf(host: HostConfig, config: ServerConfig): Promise<string | undefined> {
  const text = await readFile(join(config.stateDir, 'hosts', `${host.name}.json`), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { outcome, startedAt } = JSON.parse(text) as PartReport;
  return `${outcome} ${startedAt.slice(0, 16).replace('T', ' ')}`;
}

function table(found: readonly HostStatus[]): string {
  const rows = [['', 'HOST', 'LAST GOOD', 'AGE', 'SNAPSHOTS', 'SIZE', 'LAST RUN'], ...found.map(rowOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const problems = found
    .filter(({ problem }) => problem !== undefined)
    .map(({ host, problem }) => `${host}: ${problem}`);
  return [...lines, ...(problems.length === 0 ? [] : ['', ...problems])].join('\n');
}

function rowOf({ host, isGood, lastGood, ageSeconds, snapshots, repositoryBytes, lastRun }: HostStatus): string[] {
  return [
    isGood ? 'ok' : 'BAD',
    host,
    lastGood?.slice(0, 16).replace('T', ' ') ?? '-',
    ageSeconds === undefined ? '-' : formatDuration(ageSeconds),
    String(snapshots),
    repositoryBytes === undefined ? '-' : formatByteSize(repositoryBytes),
    lastRun ?? '-',
  ];
}
