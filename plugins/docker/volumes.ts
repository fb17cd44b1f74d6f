import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Container } from './containers.ts';
import { inspect, label, listVolumes, runDocker } from './docker-commands.ts';
import type { DockerTask } from './docker-task.ts';

/** A volume of docker's. */
export interface Volume {
  readonly name: string;
  /** Its key in the compose file of `project`, if it is compose's. */
  readonly key: string | undefined;
  readonly project: string | undefined;
  readonly driver: string;
  /** Where docker shows it. */
  readonly mountpoint: string;
  /** How it is mounted, when a container needs it: `type`, `o`, `device`. */
  readonly options: Readonly<Record<string, string>>;
}

/** A volume to save. */
export interface VolumeSource {
  readonly name: string;
  readonly source: string;
  /** Its place in the archive. */
  readonly as: string;
}

export async function allVolumes(context: RecoveryContext): Promise<readonly Volume[]> {
  const names = (await runDocker(listVolumes, 'list the volumes', context)).split('\n').filter((name) => name !== '');
  return names.length === 0 ? [] : inspectVolumes(names, context);
}

async function inspectVolumes(names: readonly string[], context: RecoveryContext): Promise<readonly Volume[]> {
  return parseVolumes(await runDocker(inspect('volume', names), 'look at the volumes', context));
}

interface Inspected {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Options: Readonly<Record<string, string>> | null;
}

export function parseVolumes(json: string): readonly Volume[] {
  return (JSON.parse(json) as readonly Inspected[]).map(({ Name, Driver, Mountpoint, Labels, Options }) => ({
    name: Name,
    key: Labels?.[label('volume')],
    project: Labels?.[label('project')],
    driver: Driver,
    mountpoint: Mountpoint,
    options: Options ?? {},
  }));
}

/** Which volumes a task saves, from where, and to where. Throws a BackupError for one that is not there or cannot be read. */
export function volumeSources(
  { volumes, mode }: Pick<DockerTask, 'volumes' | 'mode'>,
  containers: readonly Container[],
  known: readonly Volume[],
): readonly VolumeSource[] {
  const project = containers[0]?.project;
  const chosen = volumes === 'all' ? volumesOf(containers, known) : volumes.map((name) => find(name, project, known));
  const sources = chosen.map((volume) => ({
    name: volume.name,
    source: sourceOf(volume, mode === 'stop'),
    as: `volumes/${placeOf(volume, project, containers)}`,
  }));
  const twice = sources.find(({ as }, index) => sources.findIndex((other) => other.as === as) !== index);
  if (twice === undefined) return sources;
  throw new BackupError(`docker: two volumes would be ${twice.as} in the archive`, {
    hint: 'List each volume once, and by the name that "docker volume ls" shows.',
  });
}

/** What the project's containers use, and what compose has made for it. */
function volumesOf(containers: readonly Container[], known: readonly Volume[]): readonly Volume[] {
  const used = new Set(containers.flatMap(({ volumes }) => volumes.map(({ name }) => name)));
  return known.filter(
    ({ name, project }) => used.has(name) || (project !== undefined && project === containers[0]?.project),
  );
}

function find(name: string, project: string | undefined, known: readonly Volume[]): Volume {
  const isOwn = (volume: Volume) => volume.key === name && volume.project === project && project !== undefined;
  const volume = known.find(isOwn) ?? known.find((other) => other.name === name);
  if (volume !== undefined) return volume;
  throw new BackupError(
    `docker: there is no volume ${name}${project === undefined ? '' : ` in the project ${project}`}`,
    {
      hint: 'See "docker volume ls"; a name of the compose file is known once the project has been started.',
    },
  );
}

/** Its key in this project's compose file; of one without a name, `<service>+<folder in the container>`. */
function placeOf({ name, key, project }: Volume, own: string | undefined, containers: readonly Container[]): string {
  if (key !== undefined && project === own) return key;
  if (!/^[0-9a-f]{64}$/.test(name)) return name;
  for (const { service, volumes } of containers) {
    const mount = volumes.find((volume) => volume.name === name);
    if (mount !== undefined) return `${service}${mount.destination.replaceAll('/', '+')}`;
  }
  return name;
}

/** Where its files lie on this machine. */
function sourceOf({ name, driver, mountpoint, options }: Volume, isUnmounted: boolean): string {
  const { type, o = '', device = '' } = options;
  if (
    driver === 'local' &&
    device.startsWith('/') &&
    o.split(',').some((word) => word === 'bind' || word === 'rbind')
  ) {
    return device;
  }
  if (driver !== 'local' || mountpoint === '') {
    throw new BackupError(`docker: the volume ${name} is of the driver ${driver}, and its files are not seen here`, {
      hint: 'Save it where its files lie, or by a command task.',
    });
  }
  if (type !== undefined && isUnmounted) {
    throw new BackupError(`docker: the volume ${name} is mounted (${type}) only while a container uses it`, {
      hint: 'Save it where its files lie, or set mode: pause.',
    });
  }
  return mountpoint;
}
