import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveIndex, openArchiveIndex, readBlock } from '#common/archive/archive-index.ts';
import { tailLength } from '#common/archive/archive-tail.ts';
import type { ArchiveWork } from '#common/archive/archive-work.ts';
import type { BytePath } from '#common/archive/byte-path.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { damaged, sha256Of } from '#common/archive/gzip-member.ts';
import type { FilePlace, HashedRange } from '#common/archive/hashed-range.ts';
import type { PlacedItem } from '#common/archive/index-block.ts';
import type { KnownBlock } from '#common/archive/index-writer.ts';
import type { CopiedRange } from '#common/archive/member-writer.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { windowSource } from '#common/archive/window-source.ts';
import { writeFileAtomically } from '#common/atomic-file.ts';
import type { BackupError } from '#common/errors.ts';
import { type BaseNote, noteVersion, usableNote } from './base-note.ts';
import { BaseNotes, writeNotes } from './base-notes.ts';
import type { ItemNote } from './collect/block-note.ts';
import type { Reuse } from './collect/read-tree.ts';
import type { Base, BaseItem } from './collect/reuse-plan.ts';
import type { ClientConfig } from './config.ts';

function pathsOf(config: ClientConfig) {
  const folder = join(config.baseBackupDir, '.base');
  const notes = join(config.stateDir, 'base');
  return {
    folder,
    archive: join(folder, 'archive.tar.gz'),
    notes,
    note: join(notes, 'base.json'),
    nextNotes: join(config.stateDir, 'base.next'),
  };
}

/** The last good archive as it lies open. */
interface OpenBase {
  readonly note: BaseNote;
  readonly index: ArchiveIndex;
  readonly notes: BaseNotes;
  readonly file: FileHandle;
}

/**
 * The last good archive, to copy from what has not changed since, and the notes for the next run. Any doubt (no note,
 * another tail, a clock that went back, a full read due) means that there is no base and everything is read.
 */
export class BaseArchive implements Reuse {
  /** Why it is not fit to copy from; found when something was to be. */
  damage: BackupError | undefined;

  private constructor(
    private readonly config: ClientConfig,
    private readonly startedAt: Date,
    private readonly work: ArchiveWork,
    private readonly base: OpenBase | undefined,
  ) {}

  static async open(config: ClientConfig, startedAt: Date, work: ArchiveWork): Promise<BaseArchive> {
    const note = await usableNote(pathsOf(config).note, config, startedAt);
    return new BaseArchive(config, startedAt, work, note && (await openBase(config, note)));
  }

  /** Without anything to copy from. */
  static none(config: ClientConfig, startedAt: Date, work: ArchiveWork): BaseArchive {
    return new BaseArchive(config, startedAt, work, undefined);
  }

  get isThere(): boolean {
    return this.base !== undefined;
  }

  async close(): Promise<void> {
    await this.base?.index.source.close();
    await this.base?.notes.close();
    await this.base?.file.close();
  }

  baseAt(place: BytePath): Base | undefined {
    if (this.base === undefined) return undefined;
    const { index, notes, file } = this.base;
    const copy: CopiedRange['copy'] = (range, target) => this.#copy({ fd: file.fd, ...range }, target);
    return {
      blocks: notes.blocksAt(place),
      itemsOf: async (block) => itemsOf(await readBlock(index, block.placed), await notes.itemsOf(block)),
      membersOfBlock: async (block) => {
        const items = await notes.itemsOf(block);
        return { offset: block.placed.membersOffset, parts: items.flatMap(({ parts }) => parts), copy };
      },
      membersOfItem: ({ item: { member, chunks }, parts }) => ({
        offset: (member ?? chunks[0])?.offset ?? 0,
        parts,
        copy,
      }),
    };
  }

  async #copy(range: HashedRange, target: FilePlace): Promise<void> {
    if (await this.work.copy(range, target)) return;
    this.damage = damaged('the last archive', `is not as it was written, at byte ${range.offset} or after`);
    throw this.damage;
  }

  /** Keeps what was noted of the new archive's blocks for the next run. */
  async keepNotes(blocks: readonly KnownBlock[]): Promise<void> {
    const { nextNotes } = pathsOf(this.config);
    await rm(nextNotes, { recursive: true, force: true });
    await mkdir(nextNotes, { recursive: true, mode: 0o700 });
    await writeNotes(nextNotes, blocks);
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
        version: noteVersion,
        host: this.config.hostname,
        createdAt,
        fullReadAt: this.base?.note.fullReadAt ?? createdAt,
        tailSha256: await tailSha256(source),
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

/** Undefined when it is not what the note says, or its notes are not there. */
async function openBase(config: ClientConfig, note: BaseNote): Promise<OpenBase | undefined> {
  const paths = pathsOf(config);
  const file = await openFileSource(paths.archive).catch(() => undefined);
  if (file === undefined) return undefined;
  const source = windowSource(file);
  try {
    const index = (await tailSha256(source)) === note.tailSha256 ? await openArchiveIndex(source) : undefined;
    if (index !== undefined)
      return { note, index, notes: await BaseNotes.open(paths.notes, index), file: await open(paths.archive) };
  } catch {
    // damaged, or changed by the fetching account: as good as none
  }
  await source.close();
  return undefined;
}

async function tailSha256(source: RangeSource): Promise<string> {
  return sha256Of(await source.read(source.size - tailLength, tailLength));
}

/** The items of a block together with what was noted of them. */
function itemsOf(items: readonly PlacedItem[], notes: readonly ItemNote[]): readonly BaseItem[] {
  return items.map((item, place) => ({ parts: [], identities: [], ...notes[place], item }));
}
