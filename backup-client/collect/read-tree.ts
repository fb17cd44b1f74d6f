import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import type { BytePath } from '#common/archive/byte-path.ts';
import { type WalkedEntry, walkTree } from '#common/archive/walk-tree.ts';
import { BackupError } from '#common/errors.ts';
import type { TreeRequest } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';
import { EntryAdder } from './entry-adder.ts';
import { deviceOf } from './entry-state.ts';
import { type Base, type PlannedStep, planReuse } from './reuse-plan.ts';
import { type Source, sourceAt } from './source.ts';
import { type QueuedStep, StepQueue } from './step-queue.ts';
import type { TarRun } from './tar-run.ts';

/** The last archive, to copy from it what has not changed. */
export interface Reuse {
  /** What it has at a place; undefined when there is none. */
  baseAt(place: BytePath): Base | undefined;
}

export interface TreeTools {
  /** The GNU tar to run. */
  readonly tar: string;
  readonly runner: Runner;
  readonly reuse?: Reuse | undefined;
  warn(message: string): void;
}

/**
 * Appends a source with all below it to the archive at `path`: walks it, copies what has not changed since the last
 * archive, and has GNU tar read the rest.
 */
export async function readTree(
  request: TreeRequest,
  path: BytePath,
  writer: ArchiveWriter,
  tools: TreeTools,
): Promise<void> {
  const source = sourceAt(request.source, path);
  const ways = { placeOf: source.placeOf, deviceOf: deviceOf(request.fileSystemId) };
  const adder = new EntryAdder(source, writer, { ...tools, ...ways, seenAtNs: BigInt(Date.now()) * 1_000_000n });
  const base = tools.reuse?.baseAt(path) ?? noBase;
  const queue = new StepQueue(source, planReuse(walkTree(request.source, request), base, ways), tools);
  const vanished: WalkedEntry[] = [];
  let goneFolder: BytePath | undefined;
  try {
    for (let next = await queue.next(); next !== undefined; next = await queue.next()) {
      for (const gone of await carryOut(next, goneFolder, { adder, writer, base })) {
        vanished.push(gone);
        if (gone.stat.type === 'folder' && !isBelow(gone.path, goneFolder)) goneFolder = gone.path;
      }
    }
    await queue.finish();
  } finally {
    queue.stop();
  }
  if (vanished.length > 0) tellVanished(vanished, source, request, tools);
}

const nothing = (): never => {
  throw new Error('there is no base to copy from');
};
const noBase: Base = { blocks: [], itemsOf: nothing, membersOfBlock: nothing, membersOfItem: nothing };

interface Target {
  readonly adder: EntryAdder;
  readonly writer: ArchiveWriter;
  readonly base: Base;
}

/** Tells what is not there any more: also what could be copied, when a folder above it has gone. */
async function carryOut(
  { step, run }: QueuedStep,
  goneFolder: BytePath | undefined,
  target: Target,
): Promise<readonly WalkedEntry[]> {
  const { adder } = target;
  if (step.type === 'copy-block' || step.type === 'copy-item') {
    const isLost = step.walked.some(({ path }) => isBelow(path, goneFolder));
    const isWhole = !isLost && (step.type === 'copy-block' || adder.areLinked(step.base.item.entries, step.walked));
    if (!isWhole) return readEach(step.walked, goneFolder, adder);
    await copy(step, target);
    return [];
  }
  return (await addOne(step, run, goneFolder, adder)) ? [] : [step.walked];
}

type OneEntry = Extract<PlannedStep, { readonly walked: WalkedEntry }>;
type Copy = Exclude<PlannedStep, OneEntry>;

async function addOne(
  step: OneEntry,
  run: TarRun | undefined,
  goneFolder: BytePath | undefined,
  adder: EntryAdder,
): Promise<boolean> {
  const { walked } = step;
  if (isBelow(walked.path, goneFolder)) {
    await run?.take(walked.path);
    return false;
  }
  if (run !== undefined) return adder.read(walked, run);
  if (step.type === 'link') return adder.link(walked);
  adder.record(walked);
  return true;
}

async function copy(step: Copy, { adder, writer, base }: Target): Promise<void> {
  if (step.type === 'copy-block') {
    await writer.addKnownBlock(step.block.known, await base.membersOfBlock(step.block));
    return;
  }
  const { item, identities } = step.base;
  await writer.addCopied(item, identities, base.membersOfItem(step.base));
  adder.noteCopied(item.entries, step.walked);
}

/** What was to be copied together, one by one. */
async function readEach(
  walked: readonly WalkedEntry[],
  goneFolder: BytePath | undefined,
  adder: EntryAdder,
): Promise<readonly WalkedEntry[]> {
  const vanished: WalkedEntry[] = [];
  for (const entry of walked) {
    const isThere = !isBelow(entry.path, goneFolder) && (await adder.readAlone(entry));
    if (!isThere) vanished.push(entry);
  }
  return vanished;
}

function isBelow(path: BytePath, folder: BytePath | undefined): boolean {
  return folder !== undefined && path.startsWith(`${folder}/`);
}

function tellVanished(vanished: readonly WalkedEntry[], source: Source, request: TreeRequest, tools: TreeTools): void {
  const shown = vanished.slice(0, 5).map(({ path }) => source.describe(path));
  const more = vanished.length > shown.length ? ` and ${vanished.length - shown.length} more` : '';
  const message = `vanished while being read: ${shown.join(', ')}${more}`;
  if (request.vanished === 'fail') {
    throw new BackupError(message, {
      hint: 'Stop what removes files there during the backup, exclude the path, or set vanished: warn.',
    });
  }
  tools.warn(message);
}
