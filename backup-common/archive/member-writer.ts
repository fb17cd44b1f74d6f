import type { FileHandle } from 'node:fs/promises';
import { compressMember, type Member, sha256Of, storeMember } from './gzip-member.ts';

/** Content being compressed or waiting to be written, at most; bounds our memory. */
const maxPendingBytes = 32 * 1024 * 1024;
/** Compressed members are gathered to writes of about this size. */
const writeBytes = 1024 * 1024;

/** A member on its way to the file; `written` settles in the file's order. */
export interface PendingMember {
  readonly written: Promise<Member>;
}

/** Appends gzip members to a file: several are compressed at a time, all are written in the order of `add`. */
export class MemberWriter {
  #offset: number;
  #pendingBytes = 0;
  /** The pending members, oldest first; each settles when it is written. */
  readonly #pending: Promise<unknown>[] = [];
  #chain: Promise<void> = Promise.resolve();
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;

  constructor(
    private readonly file: FileHandle,
    offset = 0,
  ) {
    this.#offset = offset;
  }

  /** Waits while too much is pending, then starts on the member. Rejects when an earlier one could not be written. */
  add(parts: readonly Buffer[]): Promise<PendingMember> {
    return this.#add(parts, compressMember);
  }

  /** A member that is stored as it is; its place can be overwritten with content of the same length. */
  addStored(parts: readonly Buffer[]): Promise<PendingMember> {
    return this.#add(parts, storeMember);
  }

  /** Bytes that are no pending member's, such as a finished index block. */
  async addRaw(bytes: Buffer): Promise<void> {
    this.#chain = this.#chain.then(() => this.#gather(bytes));
    await this.#chain;
  }

  /** Writes all that is pending and tells the length of the file. */
  async flush(): Promise<number> {
    await this.#chain;
    await this.#write();
    return this.#offset;
  }

  /** Where the next member will begin, once all before it are compressed. */
  position(): Promise<number> {
    const position = this.#chain.then(() => this.#offset + this.#gatheredBytes);
    position.catch(() => undefined); // whoever goes back there sees it; others need not
    return position;
  }

  /** Cuts the file back to a length that `flush` or `position` told before. */
  async cutBackTo(offset: number): Promise<void> {
    await this.flush();
    await this.file.truncate(offset);
    this.#offset = offset;
  }

  /** A finished member, copied from another archive. */
  addCopied(member: Member, bytes: Buffer): Promise<PendingMember> {
    return this.#enqueue(member, bytes.length, Promise.resolve(bytes));
  }

  async #add(parts: readonly Buffer[], pack: (data: Buffer) => Promise<Buffer>): Promise<PendingMember> {
    const data = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    return this.#enqueue({ length: data.length, sha256: sha256Of(data) }, data.length, pack(data));
  }

  async #enqueue(
    member: Omit<Member, 'compressedLength'>,
    pendingBytes: number,
    packed: Promise<Buffer>,
  ): Promise<PendingMember> {
    packed.catch(() => undefined); // its failure is seen through the chain
    while (this.#pendingBytes > maxPendingBytes) await this.#pending[0];
    this.#pendingBytes += pendingBytes;
    const written = this.#chain.then(async () => {
      const bytes = await packed;
      await this.#gather(bytes);
      this.#pendingBytes -= pendingBytes;
      this.#pending.shift();
      return { ...member, compressedLength: bytes.length };
    });
    this.#pending.push(written);
    this.#chain = written.then(() => undefined);
    this.#chain.catch(() => undefined); // seen by the next `add` or `flush`
    return { written };
  }

  async #gather(bytes: Buffer): Promise<void> {
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= writeBytes) await this.#write();
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    for (let written = 0; written < bytes.length; ) {
      const result = await this.file.write(bytes, written, bytes.length - written, this.#offset);
      written += result.bytesWritten;
      this.#offset += result.bytesWritten;
    }
  }
}
