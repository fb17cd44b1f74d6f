import { dirname } from 'node:path';
import type { NeededPath } from '#common/run/unit-paths.ts';
import type { HostConfig, ServerConfig } from './config.ts';

/** What each unit must let its program read and write, by the configuration. */
export function neededPaths(config: ServerConfig): Readonly<Record<string, readonly NeededPath[]>> {
  const both = [
    ...written('state_dir', config.stateDir),
    ...written('runtime_dir', config.runtimeDir),
    ...written('restic.cache_dir', config.restic.cacheDir),
    ...written('restic.repository_root', ...config.hosts.flatMap(repositoryRoot)),
    ...read('restic.env_file', config.restic.envFile),
    ...read('restic.password_file', ...config.hosts.map(({ passwordFile }) => passwordFile)),
  ];
  return {
    'backup-server.service': [
      ...written('global.local_temp_base_dir', config.workDir),
      ...both,
      ...config.hosts.flatMap(clientPaths),
    ],
    'restic-maintenance.service': both,
  };
}

/** A repository that is no folder here needs none. */
function repositoryRoot({ repository }: HostConfig): string[] {
  return repository.startsWith('/') ? [dirname(repository)] : [];
}

function clientPaths({ name, connection, afterFetch }: HostConfig): NeededPath[] {
  if (connection.type === 'local') {
    const because = `remote_tar_dir of ${name}`;
    return afterFetch === 'keep' ? read(because, connection.folder) : written(because, connection.folder);
  }
  return [
    ...read(`ssh_key_file of ${name}`, connection.keyFile),
    ...(connection.hostKeys.length === 0 ? read(`known_hosts_file of ${name}`, connection.knownHostsFile) : []),
  ];
}

function written(because: string, ...paths: readonly string[]): NeededPath[] {
  return [...new Set(paths)].map((path) => ({ path, needs: 'write', because }));
}

function read(because: string, ...paths: readonly (string | undefined)[]): NeededPath[] {
  return [...new Set(paths)].flatMap((path) => (path === undefined ? [] : [{ path, needs: 'read' as const, because }]));
}
