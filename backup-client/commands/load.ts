import { Problems } from '#common/config/problems.ts';
import type { Collector } from '#common/plugin/collector.ts';
import { collectors } from '#plugins/index.ts';
import { type ClientConfig, loadClientConfig } from '../config.ts';
import { loadServices, type Service } from '../discover.ts';

export interface Loaded {
  readonly config: ClientConfig;
  readonly services: readonly Service[];
  readonly collectors: readonly Collector[];
}

/** Everything that is configured, or one error with every problem in it. */
export async function load(configDir: string): Promise<Loaded> {
  const problems = new Problems();
  const config = await loadClientConfig(configDir, problems);
  const services = await loadServices(configDir, collectors, problems);
  problems.throwIfAny();
  if (config === undefined) throw new Error('a configuration was refused without saying why');
  return { config, services, collectors };
}
