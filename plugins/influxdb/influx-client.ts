import type { RecoveryContext } from '#common/plugin/collector.ts';
import { containerOf, dockerOf } from '../database/container.ts';
import { inContainer, onThisMachine, type Place } from '../database/place.ts';
import type { InfluxdbOptions } from './influxdb-schema.ts';

/** Where InfluxDB's own programs run. */
export interface InfluxClient {
  readonly place: Place;
  /** The command of version 2, which may have words of its own. */
  readonly influx: string;
}

export async function openClient(
  { container }: Pick<InfluxdbOptions, 'container'>,
  context: RecoveryContext,
): Promise<InfluxClient> {
  if (container === undefined) return { place: onThisMachine, influx: context.tools.influx };
  const docker = dockerOf(context.tools.docker);
  return { place: inContainer(docker, await containerOf(container, context)), influx: 'influx' };
}
