import type { Asset, Coverage, RecoveryContext } from '#common/plugin/collector.ts';
import { containerOf, publishedPorts } from '../database/container.ts';
import { coverageOf } from '../database/coverage.ts';
import type { InfluxTool } from './find-tool.ts';
import { defaultRpcAddress, defaultUrl } from './influx-commands.ts';
import type { InfluxdbOptions } from './influxdb-schema.ts';

const kind = 'InfluxDB server';
const usualPort = 8086;

/** The server of the usual port, of any version. */
export async function findServers({ signal }: RecoveryContext, port = usualPort): Promise<readonly Asset[]> {
  signal.throwIfAborted();
  try {
    const { headers } = await fetch(`http://127.0.0.1:${port}/ping`, { signal: AbortSignal.timeout(5000) });
    return headers.has('X-Influxdb-Version') ? [{ kind, name: `localhost:${port}` }] : [];
  } catch {
    return []; // nothing is there, or something else
  }
}

/** A task for one bucket or one database does not count: there may be others. */
export async function serversCovered(
  options: InfluxdbOptions,
  { type }: InfluxTool,
  context: RecoveryContext,
): Promise<Coverage> {
  const { host, bucket, database, container } = options;
  if (container !== undefined) {
    const dataFolder = type === 'influx' ? '/var/lib/influxdb2' : '/var/lib/influxdb';
    const isAll = bucket === undefined && database === undefined;
    const { paths } = await coverageOf({ kind, names: [], isAll, container, dataFolder }, context);
    const ports = isAll ? await publishedPorts(usualPort, await containerOf(container, context), context) : [];
    return { assets: ports.map((port) => ({ kind, name: `localhost:${port}` })), paths };
  }
  const [address = '', port] =
    type === 'influx' ? addressOf(host ?? defaultUrl) : [(host ?? defaultRpcAddress).replace(/:\d+$/, ''), usualPort];
  const isLocal = /^(localhost|127\..*|\[?::1\]?)$/.test(address);
  if (!isLocal || bucket !== undefined || database !== undefined) return { assets: [], paths: [] };
  return { assets: [{ kind, name: `localhost:${port}` }], paths: [] };
}

function addressOf(url: string): [host: string, port: string] {
  try {
    const { hostname, port, protocol } = new URL(url);
    return [hostname, port || (protocol === 'https:' ? '443' : '80')];
  } catch {
    return ['', ''];
  }
}
