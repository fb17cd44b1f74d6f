import { createReadStream, createWriteStream } from 'node:fs';
import { link, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type ArchiveIndex, openArchiveIndex, readBlock } from '#common/archive/archive-index.ts';
import { tailLength } from '#common/archive/archive-tail.ts';
import { type BytePath, comparePaths } from '#common/archive/byte-path.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { sha256Of } from '#common/archive/gzip-member.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { writeFileAtomically } from '#common/atomic-file.ts';
import { hasCode } from '#common/errors.ts';
import type { Reuse } from './collect/read-tree.ts';
import { type BaseItem, formatIdentity, type Identity, parseIdentity } from './collect/reuse-plan.ts';
import type { ClientConfig } from './config.ts';

/** What root's own note says of the base; it vouches for the archive, which the fetching account could have changed. */
interface BaseNote {
  readonly host: string;
  readonly createdAt: string;
  /** When everything was read last, not copied. */
  readonly fullReadAt: string;
  /** sha256 of the archive's tail, and so of everything in it. */
  readonly tailSha256: string;
  /** Place in the archive → file with a line for each of its entries. */
  readonly places: Readonly<Record<BytePath, string>>;
}

const baseName = '.base';

function pathsOf(config: ClientConfig) {
  const notes = join(config.stateDir, 'base');
  return {
    folder: join(config.baseBackupDir, baseName),
    archive: join(config.baseBackupDir, baseName, 'archive.tar.gz'),
    notes,
    note: join(notes, 'base.json'),
    nextNotes: join(config.stateDir, 'base.next'),
  };
}

/**
 * The last good archive, to copy from what has not changed since, and the notes for the next run. Any doubt (no note,
 * another tail, a clock that went back, a full read due) means that there is no base and everything is read.
 */
export class BaseArchive implements Reuse {
  readonly #identities = new Map<BytePath, string>();

  private constructor(
    private readonly config: ClientConfig,
    private readonly startedAt: Date,
    private readonly note: BaseNote | undefined,
    private readonly index: ArchiveIndex | undefined,
    private readonly window: WindowReader | undefined,
  ) {}

  static async open(config: ClientConfig, startedAt: Date, mayReuse: boolean): Promise<BaseArchive> {
    const paths = pathsOf(config);
    await rm(paths.nextNotes, { recursive: true, force: true });
    await mkdir(paths.nextNotes, { recursive: true, mode: 0o700 });
    const note = mayReuse ? await readNote(paths.note) : undefined;
    if (note === undefined || !isUsable(note, config, startedAt))
      return new BaseArchive(config, startedAt, undefined, undefined, undefined);
    const source = await openFileSource(paths.archive).catch(() => undefined);
    if (source === undefined) return new BaseArchive(config, startedAt, undefined, undefined, undefined);
    const index = await authenticIndex(source, note).catch(() => undefined);
    if (index !== undefined) return new BaseArchive(config, startedAt, note, index, new WindowReader(source));
    await source.close();
    return new BaseArchive(config, startedAt, undefined, undefined, undefined);
  }

  get isThere(): boolean {
    return this.index !== undefined;
  }

  async close(): Promise<void> {
    await this.index?.source.close();
  }

  async *itemsOf(place: BytePath): AsyncGenerator<BaseItem> {
    const file = this.note?.places[place];
    if (this.index === undefined || file === undefined) return;
    const lines = readLines(join(pathsOf(this.config).notes, file));
    for (let block = await firstBlockOf(this.index, place); block < this.index.blocks.length; block += 1) {
      const placed = this.index.blocks[block];
      if (placed === undefined) return;
      for (const item of await readBlock(this.index, placed)) {
        const path = item.entries[0]?.path ?? '';
        if (path !== place && !path.startsWith(`${place}/`)) return;
        const identities: (Identity | undefined)[] = [];
        for (const _ of item.entries) identities.push(parseIdentity((await lines.next()).value ?? '-'));
        yield { item, identities };
      }
    }
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (this.window === undefined) throw new Error('there is no base to read from');
    return this.window.read(offset, length);
  }

  async record(place: BytePath, identities: readonly (Identity | undefined)[]): Promise<void> {
    const name = `${this.#identities.size}.gz`;
    const path = join(pathsOf(this.config).nextNotes, name);
    const lines = identities.map((identity) => `${formatIdentity(identity)}\n`);
    await pipeline(Readable.from(lines), createGzip({ level: 1 }), createWriteStream(path, { mode: 0o600 }));
    this.#identities.set(place, name);
  }

  /** The archive that is about to be published is the next base: from now on there is none, until `adopted`. */
  async adopt(staged: string): Promise<void> {
    const paths = pathsOf(this.config);
    await rm(paths.note, { force: true });
    await mkdir(paths.folder, { recursive: true, mode: 0o700 });
    await rm(paths.archive, { force: true });
    await link(staged, paths.archive);
    await rm(paths.notes, { recursive: true, force: true });
    await rename(paths.nextNotes, paths.notes);
    const source = await openFileSource(paths.archive);
    try {
      const createdAt = this.startedAt.toISOString();
      const note: BaseNote = {
        host: this.config.hostname,
        createdAt,
        fullReadAt: this.note?.fullReadAt ?? createdAt,
        tailSha256: await tailSha256(source),
        places: Object.fromEntries(this.#identities),
      };
      await writeFileAtomically(paths.note, JSON.stringify(note));
    } finally {
      await source.close();
    }
  }
}

/** Forgets the base, so that the next run reads everything. */
export async function forgetBase(config: ClientConfig): Promise<void> {
  await rm(pathsOf(config).note, { force: true });
}

async function readNote(path: string): Promise<BaseNote | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as BaseNote;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isUsable(note: BaseNote, config: ClientConfig, now: Date): boolean {
  const hasClockGoneBack = Date.parse(note.createdAt) > now.getTime();
  const isFullReadDue = now.getTime() - Date.parse(note.fullReadAt) >= config.fullReadEverySeconds * 1000;
  return note.host === config.hostname && !hasClockGoneBack && !isFullReadDue;
}

async function authenticIndex(source: RangeSource, note: BaseNote): Promise<ArchiveIndex | undefined> {
  if ((await tailSha256(source)) !== note.tailSha256) return undefined;
  return openArchiveIndex(source);
}

async function tailSha256(source: RangeSource): Promise<string> {
  return sha256Of(await source.read(source.size - tailLength, tailLength));
}

/** The first block whose first path is not before the place, by halves. */
async function firstBlockOf(index: ArchiveIndex, place: BytePath): Promise<number> {
  let [low, high] = [0, index.blocks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const block = index.blocks[middle];
    const first = block === undefined ? '' : ((await readBlock(index, block))[0]?.entries[0]?.path ?? '');
    if (comparePaths(first, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readLines(path: string): AsyncIterator<string> {
  const input = createReadStream(path).on('error', () => undefined);
  return createInterface({
    input: input.pipe(createGunzip()).on('error', () => undefined),
    crlfDelay: Number.POSITIVE_INFINITY,
  })[Symbol.asyncIterator]();
}

const windowBytes = 1024 * 1024;

/** Reads neighbouring ranges out of one larger read. */
class WindowReader {
  #bytes: Buffer = Buffer.alloc(0);
  #offset = 0;

  constructor(private readonly source: RangeSource) {}

  async read(offset: number, length: number): Promise<Buffer> {
    const isInside = offset >= this.#offset && offset + length <= this.#offset + this.#bytes.length;
    if (!isInside) {
      this.#bytes = await this.source.read(offset, Math.min(Math.max(length, windowBytes), this.source.size - offset));
      this.#offset = offset;
    }
    return this.#bytes.subarray(offset - this.#offset, offset - this.#offset + length);
  }
}
