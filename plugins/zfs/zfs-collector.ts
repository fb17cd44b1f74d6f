import { parseDuration } from '#common/config/duration.ts';
import { BackupError } from '#common/errors.ts';
import type {
  Collector,
  CollectorContext,
  Coverage,
  RecoveryContext,
  ServiceArchive,
  Snapshot,
} from '#common/plugin/collector.ts';
import { isProgram } from '../command/find-program.ts';
import { isWithin } from '../snapshots/mounts.ts';
import { addKeptStream } from './kept-streams.ts';
import { sendStream } from './send-stream.ts';
import { withSnapshotFolder } from './snapshot-folder.ts';
import { listDatasets, listProperties, sendSnapshot, type ZfsSnapshot, zfsUnitLines } from './zfs-commands.ts';
import { type Dataset, parseDatasets } from './zfs-output.ts';
import { type ZfsOptions, zfsSchema } from './zfs-schema.ts';
import { datasetsIn, planSnapshot, removeSnapshot, takeSnapshot, zfs } from './zfs-snapshot.ts';

const snapshot: Snapshot<ZfsOptions, ZfsSnapshot> = {
  plan: async ({ dataset, recursive }, context) => planSnapshot(dataset, recursive, context),
  describe: ({ dataset, recursive }) => `a snapshot of ${dataset}${recursive ? ' and all below it' : ''}`,
  begin: takeSnapshot,
  end: removeSnapshot,
  isComplete: () => true,
};

/** A dataset's files from a snapshot, to `zfs/<dataset>@files`, or its stream, to `zfs/<dataset>@….zfs`. */
export const zfsCollector: Collector<ZfsOptions, ZfsSnapshot> = {
  name: 'zfs',
  taskKeys: ['zfs'],
  phase: 'quiesced',
  schema: zfsSchema,
  unitLines: zfsUnitLines,
  snapshot,

  async check(options, context) {
    const datasets = await datasetsOf(options, context);
    for (const name of options.exclude) requireBelow(name, options.dataset);
    if (options.stream === undefined) for (const dataset of datasets) requireFiles(dataset, options.dataset);
    else if (!isProgram('zstream', '/')) {
      throw new BackupError('zfs: there is no program zstream, which checks streams', {
        hint: 'It comes with zfsutils-linux 2.0; what is installed here is older.',
      });
    }
  },

  async collect(options, context, archive, state) {
    if (state === undefined) throw new Error('zfs collects from a snapshot only');
    const taken = await datasetsIn(state, context);
    const datasets = (await datasetsOf(options, context)).filter(({ name }) => taken.includes(name));
    if (datasets.length === 0) {
      throw new BackupError(`zfs: the snapshot ${state.dataset}@${state.name} is gone`, {
        hint: 'Something else removes snapshots here; let it leave alone those that begin with "backup-suite-".',
      });
    }
    for (const dataset of datasets) {
      await addProperties(dataset, context, archive);
      if (options.stream === undefined) await addFiles(dataset, state.name, context, archive);
      else await addStream(dataset, state.name, options, context, archive);
    }
  },

  async findAssets(context) {
    if (!isProgram('zfs', '/')) return [];
    const { exitCode, stdout } = await context.runner.run(listDatasets());
    if (exitCode !== 0) return []; // no module is loaded
    return parseDatasets(stdout)
      .filter(({ isContainer }) => !isContainer)
      .map(({ name, mountpoint }) => ({ kind, name, ...(mountpoint !== undefined && { path: mountpoint }) }));
  },

  async coverage(options, context): Promise<Coverage> {
    const below = await listed(options.dataset, true, context);
    const saved = await datasetsOf(options, context);
    const isWhole = options.stream === undefined && saved.length === below.length;
    return {
      assets: saved.map(({ name }) => ({ kind, name })),
      paths: isWhole ? saved.flatMap(({ isMounted, mountpoint }) => (isMounted && mountpoint) || []) : [],
    };
  },
};

const kind = 'ZFS dataset';

async function datasetsOf({ dataset, recursive, exclude }: ZfsOptions, context: RecoveryContext) {
  const found = await listed(dataset, recursive, context);
  return found.filter(({ name }) => !exclude.some((excluded) => isWithin(name, excluded)));
}

async function listed(name: string, recursive: boolean, context: RecoveryContext): Promise<readonly Dataset[]> {
  return parseDatasets(await zfs(listDatasets(name, recursive), `look at ${name}`, context));
}

function requireBelow(name: string, dataset: string): void {
  if (name !== dataset && isWithin(name, dataset)) return;
  throw new BackupError(`zfs: ${name}, which exclude names, is not below ${dataset}`, {
    hint: 'exclude takes the whole names of datasets, as "zfs list" shows them.',
  });
}

function requireFiles({ name, type, isOpen }: Dataset, root: string): void {
  const orElse = name === root ? '' : `add ${name} to exclude, or `;
  if (type === 'volume') {
    throw new BackupError(`zfs: ${name} is a volume, which has no files to read`, {
      hint: `To save it, ${orElse}set stream: full.`,
    });
  }
  if (!isOpen) {
    throw new BackupError(`zfs: the key of ${name} is not loaded, so its files cannot be read`, {
      hint: `Run "zfs load-key ${name}", ${orElse}set stream: full, which needs no key.`,
    });
  }
}

async function addProperties({ name }: Dataset, context: CollectorContext, archive: ServiceArchive): Promise<void> {
  const properties = await zfs(listProperties(name), `read the properties of ${name}`, context);
  await archive.addStream({ as: `zfs/${name}@properties`, content: once(Buffer.from(properties)) });
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

async function addFiles(
  dataset: Dataset,
  snapshotName: string,
  context: CollectorContext,
  archive: ServiceArchive,
): Promise<void> {
  const { name, guid, mountpoint } = dataset;
  await withSnapshotFolder(dataset, snapshotName, context, (source) =>
    archive.addTree({
      source,
      as: `zfs/${name}@files`,
      fileSystemId: guid,
      ...(mountpoint !== undefined && { standsFor: mountpoint }),
    }),
  );
}

async function addStream(
  dataset: Dataset,
  snapshotName: string,
  options: ZfsOptions,
  context: CollectorContext,
  archive: ServiceArchive,
): Promise<void> {
  const { name, isEncrypted } = dataset;
  if (options.stream === 'incremental') {
    const source = await addKeptStream(dataset, snapshotName, options, context);
    await archive.addTree({ source, as: `zfs/${name}@streams` });
    return;
  }
  const timeoutMs = (parseDuration(options.timeout) ?? 0) * 1000;
  const full = `${name}@${snapshotName}`;
  const send = sendSnapshot(full, { base: undefined, isEncrypted }, timeoutMs);
  await archive.addStream({ as: `zfs/${name}@full.zfs`, content: sendStream(send, full, context) });
}
