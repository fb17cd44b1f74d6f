import type { Chunk } from '#common/archive/gzip-member.ts';
import { diskPath } from './disk-path.ts';
import type { TreeEntry } from './tree-entry.ts';

/** Where a content is believed to lie on this machine. It counts only after its hash was found to be right. */
export interface Donor {
  readonly file: Buffer;
  readonly offset: number;
}

/**
 * Contents of files that are about to be replaced or removed: whole ones, and the pieces of large files. What has moved,
 * got another owner or grew at its end need not be fetched again. Memory: a hash and a path for each.
 */
export class ContentDonors {
  readonly #places = new Map<string, Donor>();

  constructor(private readonly folder: string) {}

  add({ entry, chunks }: TreeEntry): void {
    if (entry.type !== 'file' || entry.size === 0) return;
    const file = diskPath(this.folder, entry.path);
    if (entry.sha256 !== undefined && chunks.length === 0) this.#places.set(entry.sha256, { file, offset: 0 });
    this.addPieces(file, chunks);
  }

  /** Pieces of a file that lie one after the other from its beginning. */
  addPieces(file: Buffer, pieces: readonly Pick<Chunk, 'sha256' | 'length'>[]): void {
    let offset = 0;
    for (const { sha256, length } of pieces) {
      this.#places.set(sha256, { file, offset });
      offset += length;
    }
  }

  find(sha256: string | undefined): Donor | undefined {
    return sha256 === undefined ? undefined : this.#places.get(sha256);
  }
}
