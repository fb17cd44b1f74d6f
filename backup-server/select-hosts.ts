import { BackupError, exitCodes } from '#common/errors.ts';
import { nearest } from '#common/nearest.ts';
import type { HostConfig } from './config.ts';

/** The hosts that were named, or all of them. An unknown name is a mistake in the command. */
export function selectHosts(hosts: readonly HostConfig[], names: readonly string[]): readonly HostConfig[] {
  return names.length === 0 ? hosts : [...new Set(names)].map((name) => hostNamed(hosts, name));
}

export function hostNamed(hosts: readonly HostConfig[], name: string): HostConfig {
  const host = hosts.find((candidate) => candidate.name === name);
  if (host !== undefined) return host;
  const known = hosts.map((candidate) => candidate.name);
  const near = nearest(name, known);
  throw new BackupError(`there is no host "${name}" in server_config.yml`, {
    exitCode: exitCodes.usage,
    hint: near === undefined ? `There are: ${known.join(', ')}.` : `Did you mean "${near}"?`,
  });
}
