import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { unitSettings } from '#common/run/unit-settings.ts';

/**
 * The command as a unit with ProtectSystem=strict starts it, as far as that can be had without systemd: the unit's
 * capabilities, no new privileges, and a file system on which only the `writable` folders can be written.
 */
export function sandboxed(unitText: string, writable: readonly string[], command: Command): Command {
  const capabilities = unitSettings(unitText)('CapabilityBoundingSet').map((name) =>
    name.replace(/^CAP_/, '+').toLowerCase(),
  );
  const limits = [`--bounding-set=${['-all', ...capabilities].join(',')}`, '--inh-caps=-all', '--no-new-privs'];
  const inner = ['setpriv', ...limits, command.file, ...command.args];
  const args = [
    '--mount',
    '--propagation=private',
    'sh',
    '-euc',
    script,
    'sh',
    String(writable.length),
    ...writable,
    ...inner,
  ];
  return { ...command, file: 'unshare', args };
}

/** Binds the folders over themselves, makes all that was mounted before read-only, and becomes the command. */
const script = `
  mounted=$(cut -d' ' -f2 /proc/self/mounts)
  count=$1
  shift
  while [ "$count" -gt 0 ]; do
    mount --bind "$1" "$1"
    shift
    count=$((count - 1))
  done
  for target in $mounted; do
    case $target in
      /dev* | /proc* | /sys*) ;;
      *) mount -o remount,bind,ro "$target" ;;
    esac
  done
  exec "$@"
`;

/** Why there can be no sandbox here; undefined when there can. */
export async function sandboxProblem(): Promise<string | undefined> {
  const { exitCode, stderr } = await execaRunner().run(sandboxed('', [], { file: 'true', args: [] }));
  return exitCode === 0 ? undefined : `needs root and the right to mount: ${stderr.trim()}`;
}
