import { chunkBytes } from './member-boundaries.ts';

/** What becomes one member of a large file; `length` bytes of it are the file's own. */
export interface ContentChunk {
  readonly parts: readonly Buffer[];
  readonly length: number;
}

/** A content cut in chunks. The last one ends with the padding, which may be all that it has. */
export async function* chunksOf(
  content: AsyncIterable<Buffer>,
  padding: readonly Buffer[],
): AsyncGenerator<ContentChunk> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const piece of content) {
    for (let rest = piece; rest.length > 0; ) {
      const part = rest.subarray(0, chunkBytes - length);
      rest = rest.subarray(part.length);
      parts.push(part);
      length += part.length;
      if (length < chunkBytes) continue;
      yield { parts, length };
      parts = [];
      length = 0;
    }
  }
  parts.push(...padding);
  if (parts.length > 0) yield { parts, length };
}
