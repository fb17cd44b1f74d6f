import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDuration } from '#common/config/duration.ts';
import { readSecret } from '#common/config/secret.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import type { Hints } from '../database/program-failure.ts';
import { runProgram } from '../database/run-program.ts';
import { findServers, serversCovered } from './assets.ts';
import { findTool, type InfluxTool } from './find-tool.ts';
import { defaultRpcAddress, influxBackup, influxdBackup, influxPing } from './influx-commands.ts';
import { type InfluxdbOptions, influxdbSchema } from './influxdb-schema.ts';
import { requireBackup } from './require-backup.ts';
import { requireListening } from './require-listening.ts';

/** A backup by InfluxDB's own programs, to `influxdb_backup/`. */
export const influxdbCollector: Collector<InfluxdbOptions> = {
  name: 'influxdb',
  taskKeys: ['influxdb'],
  phase: 'live',
  schema: influxdbSchema,

  async check(options, context) {
    const tool = await findTool(options, context);
    const strange = optionsOfOther(tool.type).find((key) => options[key] !== undefined);
    if (strange !== undefined) throw ofOtherVersion(strange, tool);
    if (tool.type === 'influxd') await requireListening(options.host ?? defaultRpcAddress);
    else await runProgram(context.runner, influxPing(context.tools.influx, options), 'influxdb: influx ping', hints);
  },

  async collect(options, context, archive) {
    const tool = await findTool(options, context);
    const folder = join(context.workFolder, 'influxdb_backup');
    await mkdir(folder, { mode: 0o700 });
    const command = await backupCommand(tool, options, folder, context);
    await runProgram(context.runner, command, `influxdb: ${tool.type} backup`, hints);
    const isOld = tool.type === 'influxd';
    await requireBackup(folder, { source: isOld ? options.database : options.bucket, sizesAreUnpacked: isOld });
    await archive.addTree({ source: folder, as: 'influxdb_backup' });
    await rm(folder, { recursive: true });
  },

  findAssets: (context) => findServers(context),
  coverage: async (options, context) => serversCovered(options, await findTool(options, context)),
};

async function backupCommand(
  tool: InfluxTool,
  options: InfluxdbOptions,
  folder: string,
  context: CollectorContext,
): Promise<Command> {
  const timeoutMs = (parseDuration(options.timeout) ?? 0) * 1000;
  if (tool.type === 'influxd') return influxdBackup(options, folder, timeoutMs);
  const token = await tokenOf(options, context);
  return influxBackup({ influx: context.tools.influx, options, cliVersion: tool.cliVersion, folder, timeoutMs, token });
}

/** Undefined where the program is to use its own configuration. */
async function tokenOf({ token }: InfluxdbOptions, context: CollectorContext): Promise<string | undefined> {
  if (typeof token === 'string') {
    context.warn(
      'influxdb: the token stands in service.yaml, which lies in every archive; name a file: token: {file: …}',
    );
    return token;
  }
  if (token === undefined) return undefined;
  try {
    return await readSecret(token);
  } catch (cause) {
    const hint = "token: names a file of root's own, an environment variable, or a systemd credential.";
    throw new BackupError('influxdb: the token cannot be read', { cause, hint });
  }
}

function optionsOfOther(type: InfluxTool['type']): readonly (keyof InfluxdbOptions)[] {
  return type === 'influx' ? ['database'] : ['org', 'bucket', 'token'];
}

function ofOtherVersion(key: string, { type }: InfluxTool): BackupError {
  const [own, other] = type === 'influx' ? [2, 1] : [1, 2];
  return new BackupError(`influxdb: ${key} is for version ${other}, and the program here is that of version ${own}`, {
    hint: `Remove ${key}, or set version: ${other} and install its program.`,
  });
}

const hints: Hints = [
  [/unauthorized|401/i, 'The token is wrong, or may not read everything: influx backup needs an operator token.'],
  [/connection refused|no such host|no route|Client\.Timeout/i, 'Is the server up, and is that its address? See host.'],
  [/backup: EOF/, 'The server has no such database; compare with SHOW DATABASES.'],
  [/not found/i, 'Compare the names with "influx org list" and "influx bucket list".'],
  [/no space/i, 'Make room where the archive is made: the backup lies there for a while.'],
];
