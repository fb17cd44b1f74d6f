import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A container whose programs are those of this machine. */
export interface FakeContainer {
  readonly state: 'running' | 'exited';
  /** The variables that its programs see, and no others but those that are handed on by `--env`. */
  readonly env: Readonly<Record<string, string>>;
  /** `source:destination`. */
  readonly mounts?: readonly string[];
  /** As `docker port` shows them: `0.0.0.0:8086`. */
  readonly ports?: readonly string[];
}

export interface FakeDocker {
  /** The path of the command `docker`. */
  readonly docker: string;
  /** Makes a container or changes it. A compose service of its name stands for it, too. */
  set(name: string, container: FakeContainer): Promise<void>;
}

/**
 * Stands for `docker` in `folder`, because there is no docker engine where most tests run. It knows `exec`, `inspect` of
 * mounts, `port` and `compose ps`, keeps state, and says what docker says; what is executed is a real program of this machine.
 */
export async function fakeDocker(folder: string): Promise<FakeDocker> {
  const containers = join(folder, 'containers');
  await mkdir(containers, { recursive: true });
  const docker = join(folder, 'docker');
  await writeFile(docker, scriptFor(containers), { mode: 0o755 });
  return {
    docker,
    set: async (name, { state, env, mounts = [], ports = [] }) => {
      const write = (what: string, lines: readonly string[]) =>
        writeFile(join(containers, `${name}.${what}`), lines.map((line) => `${line}\n`).join(''));
      await write('state', [state]);
      await write(
        'env',
        Object.entries(env).map(([key, value]) => `${key}=${value}`),
      );
      await write(
        'mounts',
        mounts.map((mount) => mount.replace(':', '\t')),
      );
      await write('ports', ports);
    },
  };
}

function scriptFor(containers: string): string {
  return `#!/bin/bash
cd "${containers}" || exit 1
verb=$1; shift
case $verb in
  compose) # --file FILE ps --quiet SERVICE
    name=$5
    [ -e "$name.state" ] || { echo "no such service: $name" >&2; exit 1; }
    if [ "$(cat "$name.state")" = running ]; then echo "$name"; fi
    exit 0;;
  inspect) # --format FORMAT -- CONTAINER
    cat "$4.mounts";;
  port) # CONTAINER PORT
    cat "$1.ports";;
  exec)
    variables=() user=()
    while :; do
      case $1 in
        --interactive) shift;;
        --env) variables+=("$2=\${!2}"); shift 2;;
        --user) user=(setpriv "--reuid=$2" "--regid=$2" --init-groups --); shift 2;;
        *) break;;
      esac
    done
    name=$1; shift
    [ -e "$name.state" ] || { echo "Error response from daemon: No such container: $name" >&2; exit 1; }
    [ "$(cat "$name.state")" = running ] || { echo "Error response from daemon: container $name is not running" >&2; exit 1; }
    mapfile -t own < "$name.env"
    cd /
    exec env -i PATH=/usr/local/bin:/usr/bin:/bin "\${own[@]}" "\${variables[@]}" "\${user[@]}" "$@";;
esac
`;
}
