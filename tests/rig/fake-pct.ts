import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProgram } from './collector-task.ts';

/** A container of Proxmox. One that is `stubborn` does not shut down by itself. */
export interface FakeContainer {
  readonly status: 'running' | 'stopped';
  readonly isStubborn?: boolean;
  readonly lock?: string;
}

export interface FakePct {
  /** To be put in front of PATH. */
  readonly bin: string;
  set(vmid: number, container: FakeContainer): Promise<void>;
  /** Its status, and its lock if it has one. */
  state(vmid: number): Promise<string>;
  /** The folder in which its files lie while nothing has mounted them. */
  volume(vmid: number): string;
}

/**
 * Stands for Proxmox' `pct` in `folder`, because Proxmox is no Debian package: containers are files, a volume is a folder
 * that is moved to where it is mounted. Its words and exit codes are those of pct's source.
 */
export async function fakePct(folder: string): Promise<FakePct> {
  const [bin, containers] = [join(folder, 'bin'), join(folder, 'containers')];
  await mkdir(containers, { recursive: true });
  await writeProgram(join(bin, 'pct'), scriptFor(containers));
  const read = (vmid: number, what: string) => readFile(join(containers, `${vmid}.${what}`), 'utf8').catch(() => '');
  const volume = (vmid: number) => join(containers, `${vmid}.volume`);
  return {
    bin,
    volume,
    set: async (vmid, { status, isStubborn = false, lock = '' }) => {
      await mkdir(volume(vmid), { recursive: true });
      await writeFile(join(containers, `${vmid}.status`), status);
      await writeFile(join(containers, `${vmid}.pid`), '1');
      await writeFile(join(containers, `${vmid}.lock`), lock);
      await writeFile(join(containers, `${vmid}.stubborn`), String(isStubborn));
    },
    state: async (vmid) =>
      [await read(vmid, 'status'), await read(vmid, 'lock')]
        .map((text) => text.trim())
        .join(' ')
        .trim(),
  };
}

function scriptFor(containers: string): string {
  return `cd "${containers}" || exit 1
verb=$1; id=$2
if [ "$verb" = list ]; then
  echo 'VMID       Status     Lock         Name'
  for file in *.status; do
    printf '%-10s %-10s %-12s %-20s\\n' "\${file%.status}" "$(cat "$file")" "$(cat "\${file%.status}.lock")" web
  done
  exit
fi
if [ ! -e "$id.status" ]; then
  echo "Configuration file 'nodes/pve/lxc/$id.conf' does not exist" >&2
  exit 2
fi
status=$(cat "$id.status"); lock=$(cat "$id.lock")
die() { echo "$1" >&2; exit 255; }
case $verb in
  status)
    [ "$status" = stopped ] || echo "pid: $(cat "$id.pid")"
    echo "status: $status";;
  config)
    echo 'arch: amd64'
    [ -z "$lock" ] || echo "lock: $lock"
    echo "rootfs: local-lvm:vm-$id-disk-0,size=8G";;
  start)
    [ "$status" = stopped ] || die "CT $id already running"
    echo "$$" > "$id.pid"
    echo running > "$id.status";;
  stop)
    [ "$status" = running ] || die "CT $id not running"
    echo stopped > "$id.status";;
  shutdown)
    [ "$status" = running ] || die "CT $id not running"
    [ "$(cat "$id.stubborn")" = false ] || die 'container did not stop'
    echo stopped > "$id.status";;
  mount)
    [ -z "$lock" ] || die "CT is locked ($lock)"
    echo mounted > "$id.lock"
    mv "$id.volume" "$id.rootfs"
    echo "mounted CT $id in '${containers}/$id.rootfs'";;
  unmount)
    [ ! -d "$id.rootfs" ] || mv "$id.rootfs" "$id.volume"
    [ "$lock" = mounted ] || die "no lock found trying to remove 'mounted' lock"
    : > "$id.lock";;
  *) die "ERROR: unknown command 'pct $verb'";;
esac`;
}
