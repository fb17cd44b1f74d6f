import { ContentCuts, largeChunks, smallChunks } from './content-cuts.ts';

/** What becomes one member of a large file: its bytes, and how many they are. */
export interface ContentChunk {
  readonly parts: readonly Buffer[];
  readonly length: number;
}

/** A large content cut in chunks. The last one ends with the padding, which may be all that it has. */
export async function* chunksOf(
  content: AsyncIterable<Buffer>,
  padding: readonly Buffer[],
): AsyncGenerator<ContentChunk> {
  const cuts = new ContentCuts(largeChunks);
  let parts: Buffer[] = [];
  let length = 0;
  for await (const piece of content) {
    let start = 0;
    for (const end of cuts.endsIn(piece)) {
      yield { parts: [...parts, piece.subarray(start, end)], length: length + end - start };
      start = end;
      parts = [];
      length = 0;
    }
    if (start === piece.length) continue;
    parts.push(piece.subarray(start));
    length += piece.length - start;
  }
  for (const part of padding) {
    parts.push(part);
    length += part.length;
  }
  if (parts.length > 0) yield { parts, length };
}

/** The lengths of the chunks of a content that is at hand, the last one with the padding. */
export function chunkLengths(content: readonly Buffer[], padding: number): readonly number[] {
  const cuts = new ContentCuts(smallChunks);
  const lengths: number[] = [];
  let length = 0;
  for (const piece of content) {
    let start = 0;
    for (const end of cuts.endsIn(piece)) {
      lengths.push(length + end - start);
      start = end;
      length = 0;
    }
    length += piece.length - start;
  }
  length += padding;
  return length > 0 ? [...lengths, length] : lengths;
}
