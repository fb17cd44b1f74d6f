import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDuration } from '#common/config/duration.ts';
import { readSecret } from '#common/config/secret.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import { fillFromContainer } from '../database/container-folder.ts';
import { type Hints, programFailure } from '../database/program-failure.ts';
import { runProgram } from '../database/run-program.ts';
import { findServers, serversCovered } from './assets.ts';
import { findTool, type InfluxTool } from './find-tool.ts';
import { type InfluxClient, openClient } from './influx-client.ts';
import { defaultRpcAddress, type InfluxBackup, influxBackup, influxdBackup, influxPing } from './influx-commands.ts';
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
    const client = await openClient(options, context);
    const tool = await findTool(options, client, context);
    const strange = optionsOfOther(tool.type).find((key) => options[key] !== undefined);
    if (strange !== undefined) throw ofOtherVersion(strange, tool);
    if (tool.type === 'influx') {
      const ping = client.place(influxPing(client.influx, options));
      await runProgram(context.runner, ping, 'influxdb: influx ping', hints);
    } else if (options.container === undefined) await requireListening(options.host ?? defaultRpcAddress);
  },

  async collect(options, context, archive) {
    const client = await openClient(options, context);
    const tool = await findTool(options, client, context);
    const folder = join(context.workFolder, 'influxdb_backup');
    await mkdir(folder, { mode: 0o700 });
    const timeoutMs = (parseDuration(options.timeout) ?? 0) * 1000;
    const what = `influxdb: ${tool.type} backup`;
    const token = await tokenOf(options, context);
    const backUpTo = async (target: string): Promise<void> => {
      const command = client.place(backupCommand({ tool, client, options, folder: target, timeoutMs, token }));
      await runProgram(context.runner, command, what, hints);
    };
    if (options.container === undefined) await backUpTo(folder);
    else await fillFromContainer(folder, { place: client.place, timeoutMs, what, failure }, context, backUpTo);
    const isOld = tool.type === 'influxd';
    await requireBackup(folder, { source: isOld ? options.database : options.bucket, sizesAreUnpacked: isOld });
    await archive.addTree({ source: folder, as: 'influxdb_backup' });
    await rm(folder, { recursive: true });
  },

  findAssets: (context) => findServers(context),
  coverage: async (options, context) => {
    const client = await openClient(options, context);
    return serversCovered(options, await findTool(options, client, context), context);
  },
};

function backupCommand({
  tool,
  client,
  ...backup
}: Omit<InfluxBackup, 'influx' | 'cliVersion'> & {
  readonly tool: InfluxTool;
  readonly client: InfluxClient;
}): Command {
  if (tool.type === 'influxd') return influxdBackup(backup.options, backup.folder, backup.timeoutMs);
  return influxBackup({ ...backup, influx: client.influx, cliVersion: tool.cliVersion });
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

function failure(what: string, result: CommandResult): BackupError {
  return programFailure(what, result, hints);
}
