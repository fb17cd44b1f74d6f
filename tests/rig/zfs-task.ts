import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, type TestContext as NodeTest } from 'node:test';
import { collectorContext, type TestContext as Given } from '#common/testing/collector-context.ts';
import { type MemoryArchive, memoryArchive } from '#common/testing/memory-archive.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { zfsCollector } from '#plugins/zfs/zfs-collector.ts';
import type { ZfsOptions } from '#plugins/zfs/zfs-schema.ts';
import { startZfs } from './zfs.ts';

/** The pool of a test file, first on PATH until its end. */
export const zfs = await startZfs();
const { PATH } = process.env;
process.env.PATH = `${zfs.bin}:${PATH}`;
after(async () => {
  process.env.PATH = PATH;
  await zfs.stop();
});

export const onWhat = zfs.isReal ? 'on OpenZFS' : 'on what stands for ZFS, since its module is not loaded here';

let made = 0;

/** A dataset of its own for a test, with a file in it. */
export async function newDataset(...options: string[]): Promise<string> {
  made += 1;
  return newDatasetAt(`${zfs.pool}/set${made}`, ...options);
}

export async function newDatasetAt(name: string, ...options: string[]): Promise<string> {
  await zfs.zfs('create', ...options, name);
  if (existsSync(folderOf(name))) await writeFile(join(folderOf(name), 'page'), `of ${name.slice(zfs.pool.length)}`);
  return name;
}

export function folderOf(dataset: string): string {
  return join(zfs.folder, dataset.slice(zfs.pool.length));
}

export function optionsOf(given: Partial<ZfsOptions>): ZfsOptions {
  return { dataset: '', recursive: false, exclude: [], full_every: '30d', timeout: '1m', ...given };
}

export interface Task {
  readonly given: Given;
  /** What the last run collected. */
  readonly archive: MemoryArchive;
  check(options: Partial<ZfsOptions>): Promise<void>;
  begin(options: Partial<ZfsOptions>): Promise<NonNullable<Awaited<ReturnType<typeof planned>>>>;
  /** As a service runs it, at the second `run` of the year. */
  collect(options: Partial<ZfsOptions>, meanwhile?: () => Promise<void>, run?: number): Promise<void>;
}

async function planned(options: Partial<ZfsOptions>, context: Given) {
  return zfsCollector.snapshot?.plan(optionsOf(options), context);
}

export async function taskIn(context: NodeTest): Promise<Task> {
  const folder = await tempFolder(context);
  await mkdir(join(folder, 'work'));
  const base = { ...collectorContext(join(folder, 'work'), 'zfs'), keptFolder: join(folder, 'kept') };
  let archive = memoryArchive();
  const at = (run: number): Given => ({ ...base, now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, run)) });
  const begin = async (options: Partial<ZfsOptions>, given: Given) => {
    const state = await planned(options, given);
    assert.ok(state !== undefined);
    await zfsCollector.snapshot?.begin(state, given);
    return state;
  };
  return {
    given: at(0),
    get archive() {
      return archive;
    },
    check: async (options) => zfsCollector.check?.(optionsOf(options), at(0)),
    begin: (options) => begin(options, at(0)),
    collect: async (options, meanwhile, run = 0) => {
      archive = memoryArchive();
      await zfsCollector.check?.(optionsOf(options), at(run));
      const state = await begin(options, at(run));
      try {
        await meanwhile?.();
        await zfsCollector.collect(optionsOf(options), at(run), archive, state);
      } finally {
        await zfsCollector.snapshot?.end(state, at(run));
      }
    },
  };
}

export function contents({ entries }: MemoryArchive, place: string): Record<string, string> {
  const below = [...entries].filter(([path]) => path.startsWith(place) && path !== place);
  return Object.fromEntries(below.map(([path, content]) => [path.slice(place.length), content.toString()]));
}

/** Receives the streams into a new dataset, by hand. */
export async function restore({ archive, given }: Task, paths: readonly string[]): Promise<string> {
  made += 1;
  const dataset = `${zfs.pool}/restored${made}`;
  for (const path of paths) {
    const file = join(given.workFolder, 'stream');
    await writeFile(file, archive.entries.get(path) ?? '');
    await zfs.receive(file, dataset);
    await rm(file);
  }
  if (zfs.isReal && !existsSync(folderOf(dataset))) await zfs.zfs('mount', dataset).catch(() => '');
  return dataset;
}

export async function pageIn(dataset: string): Promise<string> {
  return readFile(join(folderOf(dataset), 'page'), 'utf8');
}

/** A dataset with the content of another one that is not to be mounted. */
export async function copyOf(dataset: string, ...options: string[]): Promise<string> {
  made += 1;
  const copy = `${zfs.pool}/copy${made}`;
  await zfs.zfs('create', copy);
  await writeFile(join(folderOf(copy), 'page'), await pageIn(dataset));
  for (const option of options.filter((word) => word !== '-o')) await zfs.zfs('set', option, copy);
  if (zfs.isReal && options.includes('canmount=noauto')) await zfs.zfs('unmount', copy);
  return copy;
}

/** `file://…` of the key of `lockedDataset`. */
export const keyLocation = `file://${join(dirname(zfs.bin), 'key')}`;

/** An encrypted dataset whose key is not loaded. */
export async function lockedDataset(): Promise<string> {
  await writeFile(keyLocation.slice('file://'.length), Buffer.alloc(32, 7));
  const dataset = await newDataset('-o', 'encryption=on', '-o', 'keyformat=raw', '-o', `keylocation=${keyLocation}`);
  if (zfs.isReal) await zfs.zfs('unmount', dataset);
  await zfs.zfs('unload-key', dataset);
  return dataset;
}

export function withPath(context: NodeTest, path: string): void {
  const before = process.env.PATH;
  process.env.PATH = path;
  context.after(() => {
    process.env.PATH = before;
  });
}
