import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveIndex } from '#common/archive/archive-index.ts';
import { type BytePath, comparePaths } from '#common/archive/byte-path.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { damaged } from '#common/archive/gzip-member.ts';
import type { KnownBlock } from '#common/archive/index-writer.ts';
import type { RangeSource } from '#common/archive/range-source.ts';
import { windowSource } from '#common/archive/window-source.ts';
import { digestIn, type ItemNote, itemsIn } from './collect/block-note.ts';
import type { BaseBlock } from './collect/reuse-plan.ts';

/** What is kept of a block, in the order of the index. */
type Row = readonly [firstPath: BytePath, digest: string | null, membersLength: number, noteLength: number];

const notesName = 'notes';
const rowsName = 'blocks';
const gatheredNotes = 256;

/** Writes what is noted of the blocks of an archive into a folder of root's own. */
export async function writeNotes(folder: string, blocks: readonly KnownBlock[]): Promise<void> {
  const file = await open(join(folder, notesName), 'wx', 0o600);
  const rows: string[] = [];
  try {
    for (let start = 0; start < blocks.length; start += gatheredNotes) {
      const some = blocks.slice(start, start + gatheredNotes);
      const notes = await Promise.all(some.map(({ note }) => note.source.read(note.offset, note.length)));
      for (const [place, { firstPath, membersLength }] of some.entries()) {
        const note = notes[place] ?? Buffer.alloc(0);
        rows.push(JSON.stringify([firstPath, digestIn(note) ?? null, membersLength, note.length] satisfies Row));
      }
      await file.appendFile(Buffer.concat(notes));
    }
  } finally {
    await file.close();
  }
  await writeFile(join(folder, rowsName), rows.map((row) => `${row}\n`).join(''), { mode: 0o600 });
}

/** The notes of the blocks of an archive. In memory: a line of text for each block. */
export class BaseNotes {
  private constructor(
    private readonly source: RangeSource,
    private readonly index: ArchiveIndex,
    private readonly rows: readonly string[],
    /** Where the note of each block begins. */
    private readonly offsets: Float64Array,
  ) {}

  /** Rejects when they are not there, or not those of this index. */
  static async open(folder: string, index: ArchiveIndex): Promise<BaseNotes> {
    const rows = (await readFile(join(folder, rowsName), 'utf8')).trimEnd().split('\n');
    if (rows.length !== index.blocks.length) throw damaged(folder, 'does not belong to the base');
    const offsets = new Float64Array(rows.length);
    let offset = 0;
    for (const [place, row] of rows.entries()) {
      offsets[place] = offset;
      offset += parseRow(row)[3];
    }
    return new BaseNotes(windowSource(await openFileSource(join(folder, notesName))), index, rows, offsets);
  }

  /** Blocks of a place and all below it: blocks end where a place does. */
  *blocksAt(place: BytePath): Generator<BaseBlock> {
    for (let at = this.#firstAt(place); at < this.rows.length; at += 1) {
      const block = this.#blockAt(at);
      const path = block?.known.firstPath ?? '';
      if (block === undefined || (path !== place && !path.startsWith(`${place}/`))) return;
      yield block;
    }
  }

  #blockAt(at: number): BaseBlock | undefined {
    const placed = this.index.blocks[at];
    if (placed === undefined) return undefined;
    const [firstPath, digest, membersLength, noteLength] = this.#row(at);
    const { sha256, compressedLength, length, entries } = placed;
    const block = { source: this.index.source, offset: placed.offset, length: compressedLength };
    const note = { source: this.source, offset: this.offsets[at] ?? 0, length: noteLength };
    // written out: a million copies by spreading have a hidden class each
    const known = { firstPath, sha256, compressedLength, length, entries, membersLength, block, note };
    return { known, placed, digest: digest ?? undefined };
  }

  #row(at: number): Row {
    return parseRow(this.rows[at] ?? '');
  }

  async itemsOf({ known: { note } }: BaseBlock): Promise<readonly ItemNote[]> {
    return itemsIn(await note.source.read(note.offset, note.length));
  }

  close(): Promise<void> {
    return this.source.close();
  }

  /** The first block that does not begin before the place, by halves. */
  #firstAt(place: BytePath): number {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePaths(this.#row(middle)[0], place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function parseRow(row: string): Row {
  return JSON.parse(row) as Row;
}
