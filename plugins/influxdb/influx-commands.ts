import type { Command } from '#common/process/command.ts';
import type { InfluxdbOptions } from './influxdb-schema.ts';

export const defaultUrl = 'http://localhost:8086';
export const defaultRpcAddress = '127.0.0.1:8088';

/** What is to be saved by the `influx` of version 2, and where to. */
export interface InfluxBackup {
  /** The configured command, which may have words of its own. */
  readonly influx: string;
  readonly options: Pick<InfluxdbOptions, 'host' | 'org' | 'bucket' | 'database'>;
  readonly cliVersion: string;
  readonly folder: string;
  readonly timeoutMs: number;
  readonly token: string | undefined;
}

/** Not compressed, so that restic finds in it what it has already; before 2.1 there was no choice. */
export function influxBackup({ influx, options, cliVersion, folder, timeoutMs, token }: InfluxBackup): Command {
  const { host = defaultUrl, org, bucket } = options;
  const args = [
    'backup',
    ...['--host', host],
    ...(org === undefined ? [] : ['--org', org]),
    ...(bucket === undefined ? [] : ['--bucket', bucket]),
    ...(/^2\.0\./.test(cliVersion) ? [] : ['--compression', 'none']),
    folder,
  ];
  return { ...influxCommand(influx, args), timeoutMs, ...(token !== undefined && { env: { INFLUX_TOKEN: token } }) };
}

export function influxPing(influx: string, { host = defaultUrl }: Pick<InfluxdbOptions, 'host'>): Command {
  return { ...influxCommand(influx, ['ping', '--host', host]), timeoutMs: 60_000 };
}

export function influxVersion(influx: string): Command {
  return { ...influxCommand(influx, ['version']), timeoutMs: 30_000 };
}

/** `2.7.5` of `Influx CLI 2.7.5 (git: …)`; undefined for the program of version 1, which does not know the question. */
export function parseInfluxVersion(output: string): string | undefined {
  return /^Influx CLI v?(2\.\d+\S*)/m.exec(output)?.[1];
}

/** The backup of version 1, in the format that can be restored next to other databases. */
export function influxdBackup(
  options: Pick<InfluxdbOptions, 'host' | 'database'>,
  folder: string,
  timeoutMs: number,
): Command {
  const { host = defaultRpcAddress, database } = options;
  const args = [
    'backup',
    '-portable',
    '-host',
    host,
    ...(database === undefined ? [] : ['-database', database]),
    folder,
  ];
  return { file: 'influxd', args, timeoutMs };
}

export const influxdVersion: Command = { file: 'influxd', args: ['version'], timeoutMs: 30_000 };

/** `1.6.7` of `InfluxDB v1.6.7 (git: …)`. */
export function parseInfluxdVersion(output: string): string | undefined {
  return /^InfluxDB v?(\d+\.\d+\S*)/m.exec(output)?.[1];
}

function influxCommand(influx: string, args: readonly string[]): Command {
  const [file = 'influx', ...words] = influx.split(/\s+/).filter((word) => word !== '');
  return { file, args: [...words, ...args] };
}
