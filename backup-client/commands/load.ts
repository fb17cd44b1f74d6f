import { Problems } from '#common/config/problems.ts';
import type { Collector } from '#common/plugin/collector.ts';
import { type LoadedPlugins, loadPlugins } from '#common/plugin/load-plugins.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectors as builtIn } from '#plugins/index.ts';
import { type ClientConfig, loadClientConfig } from '../config.ts';
import { findTaskKeys, loadServices, type Service } from '../discover.ts';
import { InterventionLog } from '../intervention-log.ts';
import { standInFor } from '../refused-plugins.ts';

/** What a command needs that looks at no service. */
export interface Settings {
  readonly config: ClientConfig;
  /** Those that are built in, and those of the user's own. */
  readonly collectors: readonly Collector[];
  readonly own: LoadedPlugins;
}

export interface Loaded extends Settings {
  readonly services: readonly Service[];
}

/** Everything that is configured, or one error with every problem in it. */
export async function load(configDir: string): Promise<Loaded> {
  const problems = new Problems();
  const config = await loadClientConfig(configDir, problems);
  const { collectors, own } = await loadCollectors(configDir, config);
  const services = await loadServices(configDir, collectors, problems, standInFor(own.refused));
  return { config: valid(config, problems), collectors, own, services };
}

/** The settings alone: a mistake in a service.yaml does not keep a service from being started again. */
export async function loadSettings(configDir: string): Promise<Settings> {
  const problems = new Problems();
  const config = valid(await loadClientConfig(configDir, problems), problems);
  return { config, ...(await loadCollectors(configDir, config)) };
}

function valid(config: ClientConfig | undefined, problems: Problems): ClientConfig {
  problems.throwIfAny();
  if (config === undefined) throw new Error('a configuration was refused without saying why');
  return config;
}

/** Plugins are wanted for what services name, and for what an interrupted run has left. */
async function loadCollectors(
  configDir: string,
  config: ClientConfig | undefined,
): Promise<Pick<Settings, 'collectors' | 'own'>> {
  if (config === undefined) return { collectors: builtIn, own: { plugins: [], refused: [] } };
  const open = await new InterventionLog(config.stateDir).all().catch(() => []); // told by who undoes it
  const wantedKeys = new Set([...(await findTaskKeys(configDir)), ...open.map(({ taskKey }) => taskKey)]);
  const own = await loadPlugins(config.pluginDir, { runner: execaRunner(), builtIn, wantedKeys: [...wantedKeys] });
  const added = own.plugins.flatMap(({ collector }) => collector ?? []);
  return { collectors: [...builtIn, ...added], own };
}
