import { Problems } from '#common/config/problems.ts';
import type { Collector } from '#common/plugin/collector.ts';
import { collectors } from '#plugins/index.ts';
import { type ClientConfig, loadClientConfig } from '../config.ts';
import { loadServices, type Service } from '../discover.ts';

/** What a command needs that looks at no service. */
export interface Settings {
  readonly config: ClientConfig;
  readonly collectors: readonly Collector[];
}

export interface Loaded extends Settings {
  readonly services: readonly Service[];
}

/** Everything that is configured, or one error with every problem in it. */
export async function load(configDir: string): Promise<Loaded> {
  const problems = new Problems();
  const config = await loadClientConfig(configDir, problems);
  const services = await loadServices(configDir, collectors, problems);
  return { ...settingsOf(config, problems), services };
}

/** The settings alone: a mistake in a service.yaml does not keep a service from being started again. */
export async function loadSettings(configDir: string): Promise<Settings> {
  const problems = new Problems();
  return settingsOf(await loadClientConfig(configDir, problems), problems);
}

function settingsOf(config: ClientConfig | undefined, problems: Problems): Settings {
  problems.throwIfAny();
  if (config === undefined) throw new Error('a configuration was refused without saying why');
  return { config, collectors };
}
