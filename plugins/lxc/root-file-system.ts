import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { run } from './container.ts';
import { type ContainerId, pctCommand, showRootPath } from './container-commands.ts';

type Lxc = Extract<ContainerId, { readonly type: 'lxc' }>;
type Pct = Extract<ContainerId, { readonly type: 'pct' }>;

/** The folder with the container's root. Throws a BackupError where it is no folder that is seen here. */
export async function rootFolderOf(id: Lxc, context: RecoveryContext): Promise<string> {
  const said = await run(showRootPath(id.name, id.path), `look at the container ${id.name}`, id, context);
  const source = parseRootPath(said);
  // a dataset of ZFS, which has no slash in front, is mounted in the container's folder
  const folder = source.startsWith('/') ? source : join(id.path, id.name, 'rootfs');
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new BackupError(`lxc: the root file system of ${id.name} is ${source}, which is no folder of this machine`, {
    hint: 'Mount it and save it by a files task; a systemd task stops the container for that.',
  });
}

/** `lxc.rootfs.path = /var/lib/lxc/mail/rootfs`, without the kind of storage that the configuration may have before it. */
export function parseRootPath(output: string): string {
  return output.slice(output.indexOf('=') + 1).trim();
}

/** Has the container's volumes mounted while `read` works. */
export async function withMounted(
  id: Pct,
  context: RecoveryContext,
  read: (folder: string) => Promise<void>,
): Promise<void> {
  const said = await run(pctCommand('mount', id.vmid), `mount the volumes of ${id.vmid}`, id, context);
  const [, folder] = /in '(.+)'/.exec(said) ?? [];
  try {
    await read(folder ?? `/var/lib/lxc/${id.vmid}/rootfs`);
  } finally {
    await unmount(id, context);
  }
}

/** Undoes `withMounted` where it was interrupted; nothing to do where nothing is mounted. */
export async function unmountLeftover(id: Pct, context: RecoveryContext): Promise<void> {
  if ((await lockOf(id, context)) === 'mounted') await unmount(id, context);
}

/** What Proxmox does with the container, such as `backup` or `mounted`; undefined when it is free. */
export async function lockOf(id: Pct, context: RecoveryContext): Promise<string | undefined> {
  const config = await run(pctCommand('config', id.vmid), `look at the container ${id.vmid}`, id, context);
  return /^lock: (\S+)$/m.exec(config)?.[1];
}

async function unmount(id: Pct, context: RecoveryContext): Promise<void> {
  await run(pctCommand('unmount', id.vmid), `unmount the volumes of ${id.vmid}`, id, context);
}
