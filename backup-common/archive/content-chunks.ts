import { ContentCuts } from './content-cuts.ts';

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
  const cuts = new ContentCuts();
  let parts: Buffer[] = [];
  let length = 0;
  for await (const piece of content) {
    let start = 0;
    for (let own = cuts.next(piece, start); own !== undefined; own = cuts.next(piece, start)) {
      yield { parts: [...parts, piece.subarray(start, start + own)], length: length + own };
      start += own;
      parts = [];
      length = 0;
    }
    if (start === piece.length) continue;
    parts.push(piece.subarray(start));
    length += piece.length - start;
  }
  parts.push(...padding);
  if (parts.length > 0) yield { parts, length };
}
