import { createHash } from 'node:crypto';
import { damaged } from './gzip-member.ts';
import type { IndexEntry } from './index-entry.ts';
import { paddingAfter } from './tar-header.ts';
import { cutOff } from './tar-headers.ts';

/** The stored bytes of one entry, which come in pieces with tar's padding behind them, and are to be what the index says. */
export class StoredContent {
  readonly #hash = createHash('sha256');
  #left: number;
  #padding: number;

  /** `where` names the entry in messages. */
  constructor(
    private readonly entry: IndexEntry,
    storedSize: number,
    private readonly where: string,
  ) {
    this.#left = storedSize;
    this.#padding = paddingAfter(storedSize);
  }

  /** The next piece, with zeros for the padding, whatever was there. */
  add(piece: Buffer): Buffer {
    const own = Math.min(piece.length, this.#left);
    this.#hash.update(piece.subarray(0, own));
    this.#left -= own;
    this.#padding -= piece.length - own;
    return piece.fill(0, own);
  }

  /** All has come; a BackupError when it is more, less, or other content than it was to be. */
  end(): void {
    if (this.#left !== 0 || this.#padding !== 0) throw cutOff();
    if (this.entry.type === 'file' && this.#hash.digest('hex') !== this.entry.sha256)
      throw damaged(this.where, 'differs from the index: sha256');
  }
}
