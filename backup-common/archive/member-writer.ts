import type { FileHandle } from 'node:fs/promises';
import { type ArchiveWork, workInPlace } from './archive-work.ts';
import { type Appendix, FileAppender } from './file-appender.ts';
import { sha256Of, storeMember } from './gzip-member.ts';
import type { FilePlace } from './hashed-range.ts';
import { MemberBatch } from './member-batch.ts';
import type { PackedMembers, PackedPart, Range } from './pack-members.ts';

/** Content being compressed or waiting to be written, at most; bounds our memory. */
const maxPendingBytes = 16 * 1024 * 1024;
/** Members are handed to the threads in batches of this size, since each way there and back costs as much as 20 KiB. */
const batchBytes = 1024 * 1024;

/** Members on their way to the file; settles in the file's order. */
export interface PendingMembers {
  readonly written: Promise<PackedMembers>;
}

/** Members that follow each other in another archive. */
export interface CopiedRange {
  readonly offset: number;
  readonly parts: readonly PackedPart[];
  /** Copies such a range. Rejects with a BackupError when it is not what its hashes say. */
  copy(range: Pick<CopiedRange, 'offset' | 'parts'>, target: FilePlace): Promise<void>;
}

/** A range that still grows at its end. */
interface OpenCopy extends CopiedRange {
  readonly parts: PackedPart[];
  length: number;
}

/** A batch that still grows, and who waits for it. */
interface OpenBatch {
  readonly batch: MemberBatch;
  readonly written: Promise<readonly PackedMembers[]>;
  readonly resolve: (written: Promise<readonly PackedMembers[]>) => void;
}

/**
 * Appends gzip members to a file in the order of `add`. They are packed by `work`, several batches at a time, and read
 * back when they were written.
 */
export class MemberWriter {
  readonly #appender: FileAppender;
  readonly #work: ArchiveWork;
  #pendingBytes = 0;
  /** What is under way, oldest first; each settles when it is written, and stays when it could not be. */
  readonly #pending = new Set<Promise<unknown>>();
  /** Settles when the places of all that came before are known. */
  #chain: Promise<unknown> = Promise.resolve();
  #open: OpenBatch | undefined;
  #copy: OpenCopy | undefined;

  constructor(file: FileHandle, work: ArchiveWork = workInPlace()) {
    this.#appender = new FileAppender(file, work);
    this.#work = work;
  }

  /**
   * Waits while too much is pending, then takes on what is to become members (see MemberPlan). Rejects when an earlier one
   * could not be written.
   */
  async add(
    parts: readonly Buffer[],
    contents: readonly Range[] = [],
    chunks: readonly number[] = [],
  ): Promise<PendingMembers> {
    await this.#room();
    this.#startCopy();
    this.#open ??= openBatch();
    const { batch, written } = this.#open;
    const place = batch.add(parts, contents, chunks);
    if (batch.length >= batchBytes) this.#startBatch();
    const members = written.then((packed) => packedAt(packed, place));
    members.catch(() => undefined); // seen by the next `add` or `flush`
    return { written: members };
  }

  /** A member that is stored as it is; its place can be overwritten with content of the same length. */
  async addStored(content: Buffer): Promise<void> {
    const { bytes } = await packStored(content);
    await this.addRaw(bytes);
  }

  /** Overwrites a member of `addStored` that was flushed. */
  async overwriteStored(offset: number, content: Buffer): Promise<PackedMembers> {
    const { bytes, packed } = await packStored(content);
    await this.#appender.overwrite(offset, { bytes, parts: [packed.part] });
    return packed;
  }

  /** Bytes that are no pending member's, such as a finished index block. */
  async addRaw(bytes: Uint8Array): Promise<void> {
    this.start();
    await this.#enqueue(bytes.length, Promise.resolve({ bytes }));
  }

  /** Members of another archive as they are. What follows each other there as here is copied in one go. */
  async addCopied({ offset, parts, copy }: CopiedRange): Promise<void> {
    this.#startBatch();
    let at = offset;
    for (const part of parts) {
      const open = this.#copy;
      const continues = open !== undefined && open.copy === copy && open.offset + open.length === at;
      if (!continues || open.length + part.length > batchBytes) {
        this.#startCopy();
        await this.#room();
        this.#copy = { offset: at, parts: [], copy, length: 0 };
      }
      this.#copy?.parts.push(part);
      if (this.#copy !== undefined) this.#copy.length += part.length;
      at += part.length;
    }
  }

  /** Writes all that is pending, waits until it was read back, and tells the length of the file. */
  async flush(): Promise<number> {
    this.start();
    await this.#chain;
    await Promise.all(this.#pending);
    await this.#appender.flush();
    return this.#appender.length;
  }

  /** Where the next member will begin, once all before it are packed. */
  position(): Promise<number> {
    this.start();
    const position = this.#chain.then(() => this.#appender.length);
    position.catch(() => undefined); // whoever goes back there sees it; others need not
    return position;
  }

  /** Cuts the file back to a length that `flush` or `position` told before. */
  async cutBackTo(offset: number): Promise<void> {
    await this.flush();
    await this.#appender.cutBackTo(offset);
  }

  async #room(): Promise<void> {
    while (this.#pendingBytes > maxPendingBytes) await this.#pending.values().next().value;
  }

  /** Starts with what was gathered, though there may be little of it. */
  start(): void {
    this.#startBatch();
    this.#startCopy();
  }

  #startCopy(): void {
    if (this.#copy === undefined) return;
    const { offset, parts, length, copy } = this.#copy;
    this.#copy = undefined;
    const place = this.#chain.then(() => this.#appender.reserve(length));
    this.#await(
      length,
      place.then((target) => copy({ offset, parts }, target)),
    );
    this.#chain = place;
  }

  #startBatch(): void {
    if (this.#open === undefined) return;
    const { batch, resolve } = this.#open;
    this.#open = undefined;
    const result = this.#work.pack(batch.request());
    const appended = this.#enqueue(
      batch.length,
      result.then(({ bytes, packed }) => ({ bytes, parts: packed.map(({ part }) => part) })),
    );
    resolve(appended.then(async () => (await result).packed));
  }

  /** Appends when its turn comes. */
  #enqueue(pendingBytes: number, appendix: Promise<Appendix>): Promise<void> {
    appendix.catch(() => undefined); // its failure is seen through the chain
    const appended = this.#chain.then(async () => this.#appender.append(await appendix));
    this.#await(pendingBytes, appended);
    this.#chain = appended;
    return appended;
  }

  #await(pendingBytes: number, work: Promise<void>): void {
    this.#pendingBytes += pendingBytes;
    const settled = work.then(() => {
      this.#pendingBytes -= pendingBytes;
      this.#pending.delete(settled);
    });
    this.#pending.add(settled);
    settled.catch(() => undefined); // seen by the next `add` or `flush`
  }
}

function openBatch(): OpenBatch {
  let resolve: OpenBatch['resolve'] = () => undefined;
  const written = new Promise<readonly PackedMembers[]>((settle) => {
    resolve = settle;
  });
  return { batch: new MemberBatch(), written, resolve };
}

function packedAt(packed: readonly PackedMembers[], place: number): PackedMembers {
  const members = packed[place];
  if (members === undefined) throw new Error('a batch came back with fewer members than it had');
  return members;
}

async function packStored(content: Buffer): Promise<{ bytes: Buffer; packed: PackedMembers }> {
  const bytes = await storeMember(content);
  const member = { compressedLength: bytes.length, length: content.length };
  const part = { length: bytes.length, sha256: sha256Of(bytes) };
  return { bytes, packed: { member, chunks: [], part, contents: [] } };
}
