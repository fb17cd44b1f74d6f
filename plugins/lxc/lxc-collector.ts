import { join } from 'node:path';
import { parseDuration } from '#common/config/duration.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext, Intervention, ServiceArchive, Snapshot } from '#common/plugin/collector.ts';
import { snapshotFolderName } from '../btrfs/btrfs-snapshot.ts';
import type { FilesOptions } from '../files/files-schema.ts';
import { type FilesState, filesSnapshot, sourceIn } from '../files/files-snapshot.ts';
import type { Place } from '../files/places.ts';
import { unitLinesFor } from '../files/unit-lines.ts';
import { isRunning, run, startContainer, statusOf, stopContainer } from './container.ts';
import { type ContainerId, containerIdOf, nameOf, pctCommand } from './container-commands.ts';
import { lxcAssets } from './lxc-assets.ts';
import { type LxcOptions, lxcSchema } from './lxc-schema.ts';
import { lockOf, rootFolderOf, unmountLeftover, withMounted } from './root-file-system.ts';
import { isWithinHours } from './stop-hours.ts';

interface StoppedContainer {
  readonly id: ContainerId;
  /** Its first process, by which it is known whether it has been started since; null where that is not told. */
  readonly pid: number | null;
  readonly stopSeconds: number;
}

const stop: Intervention<LxcOptions, StoppedContainer> = {
  async plan(options, context) {
    const id = containerIdOf(options);
    const { isRunning, pid } = await statusOf(id, context);
    return isRunning ? { id, pid: pid ?? null, stopSeconds: parseDuration(options.stop_timeout) ?? 0 } : undefined;
  },
  describe: ({ id }) => `the container ${nameOf(id)}`,
  async begin({ id, stopSeconds }, context) {
    await stopContainer(id, stopSeconds, context);
    if (!(await isRunning(id, context))) return;
    throw new BackupError(`lxc: the container ${nameOf(id)} did not stay stopped`, {
      hint: 'Something starts it again, such as a cluster that keeps it available.',
    });
  },
  async end({ id, pid, stopSeconds }, context) {
    if (id.type === 'pct') await unmountLeftover(id, context);
    const status = await statusOf(id, context);
    // It may still run because it has been told to shut down and is not done, which nothing else tells.
    if (status.isRunning && status.pid === pid) await stopContainer(id, stopSeconds, context);
    if (!(await isRunning(id, context))) await startContainer(id, context);
  },
};

/** LXC's programs take a lock there, also to look. */
const lxcUnitLines = ['ReadWritePaths=-/run/lxc'];

const pctUnitLines = [
  'CapabilityBoundingSet=CAP_SYS_ADMIN CAP_DAC_OVERRIDE',
  'ReadWritePaths=/etc/pve /run /var/lib/lxc /var/log/pve',
];

/** What a killed run leaves of a container that did not run before. */
const cleanup: Intervention<LxcOptions, ContainerId> = {
  async plan(options) {
    const id = containerIdOf(options);
    return id.type === 'pct' ? id : undefined;
  },
  describe: (id) => `the mounted volumes of the container ${nameOf(id)}`,
  async begin() {},
  async end(id, context) {
    if (id.type === 'pct') await unmountLeftover(id, context);
  },
};

const snapshot: Snapshot<LxcOptions, FilesState> = {
  ...filesSnapshot,
  async plan(options, context) {
    const id = containerIdOf(options);
    if (options.snapshot !== true || id.type !== 'lxc') return undefined;
    return filesSnapshot.plan(asFiles(await rootFolderOf(id, context)), context);
  },
};

/** The root file system as a files task would name it. */
function asFiles(root: string): FilesOptions {
  return { paths: [root], exclude: [], optional: false, snapshot: 'auto', vanished: 'warn' };
}

/** A container's configuration and its root file system, to `lxc/<name>/`. */
export const lxcCollector: Collector<LxcOptions, FilesState> = {
  name: 'lxc',
  taskKeys: ['lxc'],
  phase: 'quiesced',
  schema: lxcSchema,
  unitLines: ({ vmid, container = '', lxc_path: path, snapshot: isRead }) => {
    if (vmid !== undefined) return pctUnitLines;
    return [...lxcUnitLines, ...(isRead === true ? unitLinesFor(asFiles(join(path, container, 'rootfs'))) : [])];
  },
  stop,
  snapshot,
  cleanup,

  async check(options, context) {
    const id = containerIdOf(options);
    await isRunning(id, context);
    if (id.type === 'pct') return requireFree(id, context);
    const root = await rootFolderOf(id, context);
    if (options.snapshot !== true || (await snapshot.plan(options, context)) !== undefined) return;
    context.warn(`lxc: no snapshot can be taken of ${root}, so ${id.name} stays stopped while it is read`);
  },

  async skip(options, context) {
    const { stop_hours: hours } = options;
    if (hours === undefined || isWithinHours(hours, context.now())) return undefined;
    const id = containerIdOf(options);
    if (!(await isRunning(id, context))) return undefined;
    return `lxc: the container ${nameOf(id)} runs, and may be stopped at ${hours.join(', ')} only (stop_hours)`;
  },

  async collect(options, context, archive, state) {
    const id = containerIdOf(options);
    const as = (name: string) => `lxc/${nameOf(id)}/${name}`;
    if (id.type === 'lxc') {
      await archive.addTree({ source: join(id.path, id.name, 'config'), as: as('config') });
      await addRoot(
        { source: await rootFolderOf(id, context), as: as('rootfs'), optional: false },
        state,
        context,
        archive,
      );
      return;
    }
    await addPctConfig(id, as(`${id.vmid}.conf`), context, archive);
    await withMounted(id, context, (source) => archive.addTree({ source, as: as('rootfs') }));
  },

  findAssets: lxcAssets,

  async coverage(options, context) {
    const id = containerIdOf(options);
    return {
      assets: [{ kind: 'container', name: nameOf(id) }],
      paths: id.type === 'lxc' ? [await rootFolderOf(id, context)] : [],
    };
  },
};

async function addRoot(
  place: Place,
  state: FilesState | undefined,
  context: CollectorContext,
  archive: ServiceArchive,
): Promise<void> {
  await sourceIn(state, place, context, (source, fileSystemId) =>
    archive.addTree({
      source,
      as: place.as,
      standsFor: place.source,
      ...(fileSystemId !== undefined && { fileSystemId }),
      excludes: (path) => path === snapshotFolderName,
    }),
  );
}

async function requireFree(id: ContainerId & { readonly type: 'pct' }, context: CollectorContext): Promise<void> {
  const lock = await lockOf(id, context);
  if (lock === undefined) return;
  throw new BackupError(`lxc: the container ${id.vmid} is locked (${lock})`, {
    hint: `Wait until Proxmox is done with it; where nothing works on it any more, "pct unlock ${id.vmid}".`,
  });
}

async function addPctConfig(
  id: ContainerId & { readonly type: 'pct' },
  as: string,
  context: CollectorContext,
  archive: ServiceArchive,
): Promise<void> {
  const config = await run(pctCommand('config', id.vmid), `read the configuration of ${id.vmid}`, id, context);
  await archive.addStream({ as, content: once(config) });
}

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
