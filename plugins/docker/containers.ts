import type { RecoveryContext } from '#common/plugin/collector.ts';
import { inspect, label, listContainers, runDocker } from './docker-commands.ts';

/** A container of a compose project. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly service: string;
  /** `running`, `paused`, `restarting`, `exited`, `created`, `dead` … */
  readonly state: string;
  readonly exitCode: number;
  /** `starting`, `healthy` or `unhealthy`; undefined without a health check. */
  readonly health: string | undefined;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The services it needs; undefined where compose does not say (version 1). */
  readonly dependsOn: readonly string[] | undefined;
  readonly image: { readonly id: string; readonly name: string };
  readonly volumes: readonly { readonly name: string; readonly destination: string }[];
}

/** The containers of a compose project, whatever their state. */
export async function containersOf(project: string, context: RecoveryContext): Promise<readonly Container[]> {
  const listed = await runDocker(listContainers(project), `list the containers of ${project}`, context);
  const ids = listed.split('\n').filter((id) => id !== '');
  return ids.length === 0 ? [] : inspectContainers(ids, context);
}

export async function inspectContainers(
  ids: readonly string[],
  context: RecoveryContext,
): Promise<readonly Container[]> {
  return parseContainers(await runDocker(inspect('container', ids), 'look at the containers', context));
}

/** Whether it does something now. One that is paused does not. */
export function isRunning({ state }: Container): boolean {
  return state === 'running' || state === 'restarting';
}

/** What of the answer of `docker container inspect` is read. */
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly Config: { readonly Image: string; readonly Labels: Readonly<Record<string, string>> | null };
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string }[];
}

function parseContainers(json: string): readonly Container[] {
  return (JSON.parse(json) as readonly Inspected[]).map(({ Id, Name, Image, Config, State, Mounts }) => {
    const labels = Config.Labels ?? {};
    const health = State.Health?.Status;
    return {
      id: Id,
      name: Name.replace(/^\//, ''),
      project: labels[label('project')] ?? '',
      service: labels[label('service')] ?? '',
      state: State.Status,
      exitCode: State.ExitCode,
      health: health === 'none' ? undefined : health,
      startedAt: State.StartedAt,
      dependsOn: parseDependencies(labels[label('depends_on')]),
      image: { id: Image, name: Config.Image },
      volumes: Mounts.flatMap(({ Type, Name: name = '', Destination }) =>
        Type === 'volume' ? [{ name, destination: Destination }] : [],
      ),
    };
  });
}

/** `db:service_healthy:false,cache:service_started:true` */
function parseDependencies(text: string | undefined): readonly string[] | undefined {
  return text
    ?.split(',')
    .map((entry) => entry.split(':')[0] ?? '')
    .filter((service) => service !== '');
}
