import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { firstProgram } from '../database/require-program.ts';
import type { InfluxClient } from './influx-client.ts';
import { influxdVersion, influxVersion, parseInfluxdVersion, parseInfluxVersion } from './influx-commands.ts';
import type { InfluxdbOptions } from './influxdb-schema.ts';

/** The program that makes the backup. */
export type InfluxTool =
  | { readonly type: 'influx'; readonly cliVersion: string }
  /** Version 1: the server's own program. */
  | { readonly type: 'influxd' };

/** Which program there is for the version that is configured, or for any. Throws a BackupError when there is none. */
export async function findTool(
  { version, container }: Pick<InfluxdbOptions, 'version' | 'container'>,
  { place, influx }: InfluxClient,
  context: RecoveryContext,
): Promise<InfluxTool> {
  if (version !== 1) {
    const found = await firstProgram([influxVersion(influx)], place, context);
    const cliVersion = parseInfluxVersion(found?.result.stdout ?? '');
    if (cliVersion !== undefined) return { type: 'influx', cliVersion };
    if (version === 2)
      throw noTool(found === undefined ? 'no influx' : 'no influx of version 2, only an older one', container);
  }
  const found = await firstProgram([influxdVersion], place, context);
  const serverVersion = parseInfluxdVersion(found?.result.stdout ?? '') ?? '';
  if (/^1\.([5-9]|\d\d)/.test(serverVersion)) return { type: 'influxd' };
  if (serverVersion !== '') throw noTool(`influxd ${serverVersion}, which cannot make a backup for this`, container);
  throw noTool(version === 1 ? 'no influxd' : 'neither influx of version 2 nor influxd of version 1', container);
}

function noTool(what: string, container: InfluxdbOptions['container']): BackupError {
  if (container !== undefined) {
    return new BackupError(`influxdb: there is ${what} in the container`, {
      hint: 'container: must be the one of the server: the images of InfluxDB have the programs, too.',
    });
  }
  return new BackupError(`influxdb: there is ${what}`, {
    hint: 'Version 2 needs the program influx (package influxdb2-cli of InfluxData, or tools.influx_cmd); version 1 needs influxd from 1.5 on.',
  });
}
