import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type {
  Asset,
  Collector,
  CollectorContext,
  Coverage,
  RecoveryContext,
  Snapshot,
} from '#common/plugin/collector.ts';
import { isProgram } from '../command/find-program.ts';
import { isWithin, readMounts } from '../snapshots/mounts.ts';
import { btrfsUnitLines } from './btrfs-commands.ts';
import { type BtrfsOptions, btrfsSchema } from './btrfs-schema.ts';
import {
  type BtrfsSnapshot,
  planSnapshots,
  removeSnapshots,
  snapshotFolderName,
  snapshotFolderOf,
  takeSnapshots,
} from './btrfs-snapshot.ts';
import { directlyBelow, type Subvolume, subvolumeAt, subvolumesBelow } from './subvolumes.ts';

interface BtrfsState {
  readonly snapshots: readonly BtrfsSnapshot[];
  /** Subvolumes below those, which no snapshot holds. */
  readonly leftOut: readonly string[];
}

const snapshot: Snapshot<BtrfsOptions, BtrfsState> = {
  async plan(options, context) {
    const { taken, leftOut } = await choose(options, context);
    const [root] = taken;
    const folder = snapshotFolderOf(root?.path ?? '', await readMounts(context));
    return {
      snapshots: planSnapshots(
        taken.map((each) => ({ ...each, folder })),
        context,
      ),
      leftOut,
    };
  },

  describe: ({ snapshots }) => `a snapshot of ${snapshots.map(({ subvolume }) => subvolume).join(', ')}`,
  begin: ({ snapshots }, context) => takeSnapshots(snapshots, context),
  end: ({ snapshots }, context) => removeSnapshots(snapshots, context),
  isComplete: () => true,
};

/** A subvolume from a snapshot, to `btrfs/<last name>`. */
export const btrfsCollector: Collector<BtrfsOptions, BtrfsState> = {
  name: 'btrfs',
  taskKeys: ['btrfs'],
  phase: 'quiesced',
  schema: btrfsSchema,
  unitLines: ({ subvolume }) => btrfsUnitLines(subvolume),
  snapshot,

  async check(options, context) {
    const { taken } = await choose(options, context);
    placesOf(taken.map(({ path }) => path));
    for (const path of options.exclude) {
      if (isWithin(path, options.subvolume)) continue;
      throw new BackupError(`btrfs: ${path}, which exclude names, is not below ${options.subvolume}`, {
        hint: 'exclude takes the paths of subvolumes, as "btrfs subvolume list" shows them.',
      });
    }
  },

  async collect(_options, context, archive, state) {
    if (state === undefined) throw new Error('btrfs collects from a snapshot only');
    if (state.leftOut.length > 0) {
      context.warn(`btrfs: subvolumes of their own, and not saved: ${state.leftOut.join(', ')}`);
    }
    const places = placesOf(state.snapshots.map(({ subvolume }) => subvolume));
    for (const [index, { path, subvolume, uuid }] of state.snapshots.entries()) {
      await archive.addTree({
        source: path,
        as: places[index] ?? '',
        standsFor: subvolume,
        fileSystemId: uuid,
        excludes: (name) => name === snapshotFolderName,
      });
    }
  },

  async findAssets(context) {
    if (!isProgram('btrfs', '/')) return [];
    const found = new Map<string, Asset>();
    for (const { target, fstype } of await readMounts(context)) {
      if (fstype !== 'btrfs') continue;
      const root = await subvolumeAt(target, context).catch(() => undefined); // a folder that is mounted elsewhere
      if (root === undefined) continue;
      for (const { path, uuid } of [root, ...(await writableBelow(root, context))]) {
        if (!found.has(uuid)) found.set(uuid, { kind, name: path, path });
      }
    }
    return [...found.values()];
  },

  async coverage(options, context): Promise<Coverage> {
    const { taken, leftOut } = await choose(options, context);
    const isWhole = leftOut.length === 0 && options.exclude.length === 0;
    return {
      assets: taken.map(({ path }) => ({ kind, name: path })),
      paths: isWhole ? [options.subvolume] : [],
    };
  },
};

const kind = 'btrfs subvolume';

/** The subvolumes to take, and those that would be missed. */
async function choose(
  { subvolume, recursive, exclude }: BtrfsOptions,
  context: CollectorContext,
): Promise<{ readonly taken: readonly Subvolume[]; readonly leftOut: readonly string[] }> {
  const root = await subvolumeAt(subvolume, context);
  const excluded = exclude.map((path) => posix.join(root.path, posix.relative(subvolume, path)));
  const isTaken = ({ path }: Subvolume) => !excluded.includes(path) && !path.includes(`/${snapshotFolderName}/`);
  if (recursive) return { taken: [root, ...(await subvolumesBelow(root, context, isTaken))], leftOut: [] };
  const nested = (await directlyBelow(root, context)).filter(isTaken);
  return { taken: [root], leftOut: nested.map(({ path }) => path) };
}

/** Without those that only stand for a moment of another one. */
async function writableBelow(root: Subvolume, context: RecoveryContext): Promise<readonly Subvolume[]> {
  const readOnly = (await directlyBelow(root, context, 'read-only')).map(({ uuid }) => uuid);
  const nested = (await directlyBelow(root, context)).filter(({ uuid }) => !readOnly.includes(uuid));
  const below: Subvolume[] = [];
  for (const each of nested) below.push(each, ...(await writableBelow(each, context)));
  return below;
}

/** `btrfs/data` for the first subvolume, `btrfs/data+www+cache` for `www/cache` below it. */
function placesOf([root = '', ...nested]: readonly string[]): readonly string[] {
  const name = posix.basename(root) || 'root';
  const places = [root, ...nested].map((path) =>
    ['btrfs', [name, ...posix.relative(root, path).split('/')].filter((part) => part !== '').join('+')].join('/'),
  );
  const twice = places.find((place, index) => places.indexOf(place) !== index);
  if (twice === undefined) return places;
  throw new BackupError(`btrfs: two subvolumes would be ${twice} in the archive`, {
    hint: 'Exclude one of them, and give it a service of its own.',
  });
}
