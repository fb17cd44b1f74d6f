import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { PlacedBlock } from '#common/archive/archive-index.ts';
import { comparePaths } from '#common/archive/byte-path.ts';
import { indexEntryOf } from '#common/archive/index-entry.ts';
import type { KnownBlock } from '#common/archive/index-writer.ts';
import type { WalkedEntry } from '#common/archive/walk-tree.ts';
import { digestOf } from './block-note.ts';
import { deviceOf, stateAsWalked, trustedIdentity } from './entry-state.ts';
import { hasSeveralNames } from './hard-links.ts';
import { type Base, type BaseBlock, type BaseItem, type PlannedStep, planReuse } from './reuse-plan.ts';

/** A file of a made-up folder; `version` stands for its content and times, `inode` may be shared by several names. */
interface File {
  readonly name: string;
  readonly inode: number;
  readonly version: number;
}

const ways = { placeOf: (path: string) => `a/${path}`, deviceOf: deviceOf(undefined) };
const later = 1_000_000_000_000n;

/** The file system's facts of such files, in path order. */
function walkOf(files: readonly File[]): readonly WalkedEntry[] {
  const sorted = [...files].sort((a, b) => comparePaths(a.name, b.name));
  return sorted.map(({ name, inode, version }) => {
    const nlink = files.filter((file) => file.inode === inode).length;
    const times = { mtimeNs: BigInt(version), ctimeNs: BigInt(version) };
    const numbers = { dev: 1, rdev: 0, mode: 0o644, uid: 0, gid: 0, size: 5, nlink };
    return { path: name, stat: { type: 'file', ino: BigInt(inode), ...numbers, ...times } };
  });
}

/** The base that a walk would have made, with so many entries an item and items a block. */
function baseOf(walk: readonly WalkedEntry[], perItem: number, perBlock: number): Base {
  const firsts = new Map<bigint, string>();
  const items = chunks(walk, perItem).map((entries): BaseItem => {
    const indexed = entries.map(({ path, stat }) => {
      const first = firsts.get(stat.ino);
      if (first === undefined) firsts.set(stat.ino, ways.placeOf(path));
      const common = { path: ways.placeOf(path), mode: 0o644, uid: 0, gid: 0, mtimeNs: stat.mtimeNs, attributes: [] };
      const isFirst = first === undefined;
      const size = isFirst ? 5 : 0;
      const own = { type: isFirst ? 'file' : 'hardlink', size, storedSize: size, link: first } as const;
      return indexEntryOf({ ...common, ...own }, { linked: isFirst && hasSeveralNames(stat) });
    });
    const identities = entries.map(({ stat }) => trustedIdentity(stat, 10n * later, ways.deviceOf));
    return { item: { member: undefined, entries: indexed, chunks: [] }, parts: [], identities };
  });
  const blocks = chunks(items, perBlock).map((inBlock) => {
    const entries = inBlock.flatMap(({ item }) => item.entries);
    const walked = walk.filter(({ path }) => entries.some((entry) => entry.path === ways.placeOf(path)));
    const isPlain = walked.every(({ stat }) => !hasSeveralNames(stat));
    const states = walked.map(({ path, stat }) => stateAsWalked(ways.placeOf(path), stat, ways.deviceOf));
    const known = { firstPath: entries[0]?.path ?? '', entries: entries.length } as KnownBlock;
    const block: BaseBlock = { known, placed: {} as PlacedBlock, digest: isPlain ? digestOf(states) : undefined };
    return { block, items: inBlock };
  });
  return {
    blocks: blocks.map(({ block }) => block),
    itemsOf: async (block) => blocks.find((found) => found.block === block)?.items ?? [],
    membersOfBlock: async () => assert.fail(),
    membersOfItem: () => assert.fail(),
  };
}

function chunks<T>(values: readonly T[], length: number): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < values.length; start += length) parts.push(values.slice(start, start + length));
  return parts;
}

async function planned(files: readonly File[], base: Base): Promise<readonly PlannedStep[]> {
  const steps: PlannedStep[] = [];
  for await (const step of planReuse(walkOf(files), base, ways)) steps.push(step);
  return steps;
}

/** The paths a step brings. */
function pathsOf(step: PlannedStep): readonly string[] {
  return step.type === 'copy-block' || step.type === 'copy-item'
    ? step.walked.map(({ path }) => path)
    : [step.walked.path];
}

const plain = (count: number): readonly File[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `f${String(index).padStart(3, '0')}`,
    inode: index,
    version: 1,
  }));

it('what has not changed is copied block by block', async () => {
  const steps = await planned(plain(30), baseOf(walkOf(plain(30)), 3, 4));
  assert.deepEqual(
    steps.map(({ type }) => type),
    ['copy-block', 'copy-block', 'copy-block'],
  );
});

it('of a block with a changed file all items but its own are copied', async () => {
  const base = baseOf(walkOf(plain(30)), 3, 4);
  const changed = plain(30).map((file) => (file.name === 'f004' ? { ...file, version: 2 } : file));
  const steps = await planned(changed, base);
  assert.deepEqual(steps.map((step) => `${step.type} ${pathsOf(step).join(' ')}`).slice(0, 6), [
    'copy-item f000 f001 f002',
    'read f003',
    'read f004',
    'read f005',
    'copy-item f006 f007 f008',
    'copy-item f009 f010 f011',
  ]);
  assert.deepEqual(
    steps.slice(6).map(({ type }) => type),
    ['copy-block', 'copy-block'],
  );
});

it('a new name of a file makes its other names be looked at anew', async () => {
  const base = baseOf(walkOf(plain(6)), 1, 3);
  const steps = await planned([...plain(6), { name: 'f0015', inode: 1, version: 1 }], base);
  const later = steps.find((step) => pathsOf(step).includes('f0015'));
  assert.equal(later?.type, 'link');
});

const file = fc.record({
  name: fc.constantFrom(...'abcdefghijklmnopqrst'),
  inode: fc.integer({ min: 1, max: 12 }),
  version: fc.integer({ min: 1, max: 2 }),
});
/** Names of one inode share its state. */
const folder = fc
  .uniqueArray(file, { selector: ({ name }) => name, maxLength: 20 })
  .map((files) =>
    files.map((one) => ({ ...one, version: files.find(({ inode }) => inode === one.inode)?.version ?? one.version })),
  );

it('whatever changes: every path comes once and in order, and only what is as it was is copied', () =>
  fc.assert(
    fc.asyncProperty(
      folder,
      folder,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      async (before, after, perItem, perBlock) => {
        const steps = await planned(after, baseOf(walkOf(before), perItem, perBlock));
        assert.deepEqual(
          steps.flatMap(pathsOf),
          walkOf(after).map(({ path }) => path),
        );
        for (const step of steps)
          if (step.type === 'copy-block' || step.type === 'copy-item')
            for (const path of pathsOf(step))
              assert.deepEqual(
                after.find(({ name }) => name === path),
                before.find(({ name }) => name === path),
              );
      },
    ),
    { numRuns: 300 },
  ));

it('nothing changed means that nothing is read', () =>
  fc.assert(
    fc.asyncProperty(folder, fc.integer({ min: 1, max: 4 }), async (files, perItem) => {
      const steps = await planned(files, baseOf(walkOf(files), perItem, 3));
      assert.ok(
        steps.every(({ type }) => type === 'copy-block' || type === 'copy-item'),
        JSON.stringify(steps.map(({ type }) => type)),
      );
    }),
    { numRuns: 300 },
  ));
