import type { MemberPlan, PackRequest, Range } from './pack-members.ts';

/** Members to be packed in one go. */
export class MemberBatch {
  readonly #parts: Buffer[] = [];
  readonly #members: MemberPlan[] = [];
  /** Bytes of all members. */
  length = 0;

  /** Tells the member's place in the batch. `contents` are the ranges of it that hold files. */
  add(parts: readonly Buffer[], contents: readonly Range[]): number {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#parts.push(...parts);
    this.length += length;
    return this.#members.push({ length, contents }) - 1;
  }

  request(): PackRequest {
    const data = new Uint8Array(this.length);
    let offset = 0;
    for (const part of this.#parts) {
      data.set(part, offset);
      offset += part.length;
    }
    return { data, members: this.#members };
  }
}
