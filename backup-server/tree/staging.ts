import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BytePath, bytesOf } from '#common/archive/byte-path.ts';
import { entryStat } from '#common/archive/entry-stat.ts';
import { Extractor } from '#common/archive/extractor.ts';
import { sha256Of } from '#common/archive/gzip-member.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { differenceOnDisk } from './compare-tree.ts';
import type { ContentDonors } from './content-donors.ts';
import { hashContent } from './file-content.ts';
import type { TarTools } from './tar-tools.ts';
import type { TreeEntry } from './tree-entry.ts';

/**
 * A folder beside the tree with the changed files, links and FIFOs, whole and with all that belongs to them, each under a
 * name made of its path's hash. Nothing but renaming is left to do when all are there. What an interrupted run had put
 * there is used again after its content was read and found right.
 */
export class Staging {
  /** Headers of changed folders with attributes. */
  readonly folderHeaders = new Map<BytePath, TarEntry>();
  /** Entries that were there from an interrupted run. */
  reused = 0;
  readonly #extractor: Extractor;

  constructor(
    readonly folder: string,
    tools: TarTools,
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#extractor = new Extractor(folder, tools);
  }

  pathOf(path: BytePath): string {
    return stagedPath(this.folder, path);
  }

  /** An empty folder for what is replaced. */
  placeAside(): string {
    return mkdtempSync(join(this.folder, 'replaced-'));
  }

  /** Whether an interrupted run has left just this entry. Of one that it had begun the pieces become donors. */
  async has({ entry, chunks }: TreeEntry, donors: ContentDonors): Promise<boolean> {
    const file = Buffer.from(this.pathOf(entry.path));
    const stat = entryStat(file);
    if (stat?.type === 'folder') rmSync(file, { recursive: true });
    if (stat === undefined || stat.type === 'folder' || entry.attributes !== undefined) return false;
    const isSame = differenceOnDisk(file, entry, stat) === undefined;
    if (entry.type !== 'file' || stat.type !== 'file') return isSame && this.#reuse();
    const hashes = await hashContent(
      file,
      chunks.map(({ length }) => length),
    );
    if (isSame && hashes.whole === entry.sha256) return this.#reuse();
    const begun = Buffer.from(`${this.pathOf(entry.path)}.begun`);
    renameSync(file, begun);
    donors.addPieces(
      begun,
      hashes.pieces.map((sha256, place) => ({ sha256, length: chunks[place]?.length ?? 0 })),
    );
    return false;
  }

  async add(tar: TarEntry, content: AsyncIterable<Buffer>): Promise<void> {
    if (tar.type === 'folder') this.folderHeaders.set(tar.path, tar);
    else await this.#extractor.add({ ...tar, path: stagedName(tar.path) }, content);
  }

  finish(): Promise<void> {
    return this.#extractor.finish();
  }

  /** After a failure: what has come so far is there for the next run. */
  breakOff(): Promise<void> {
    return this.#extractor.breakOff();
  }

  #reuse(): boolean {
    this.reused += 1;
    return true;
  }
}

function stagedName(path: BytePath): string {
  return sha256Of(bytesOf(path)).slice(0, 40);
}

function stagedPath(folder: string, path: BytePath): string {
  return join(folder, stagedName(path));
}
