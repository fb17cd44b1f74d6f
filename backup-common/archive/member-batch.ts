import { joined } from './own-memory.ts';
import type { MemberPlan, PackRequest, Range } from './pack-members.ts';

/** Members to be packed in one go. */
export class MemberBatch {
  readonly #parts: Buffer[] = [];
  readonly #plans: MemberPlan[] = [];
  /** Bytes of all plans. */
  length = 0;

  /** Tells the place of its plan in the batch; see MemberPlan. */
  add(parts: readonly Buffer[], contents: readonly Range[], chunks: readonly number[]): number {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#parts.push(...parts);
    this.length += length;
    return this.#plans.push({ length, contents, chunks }) - 1;
  }

  request(): PackRequest {
    return { data: joined(this.#parts), plans: this.#plans };
  }
}
