import type { RangeSource } from '#common/archive/range-source.ts';

/** A part of a file that is of use by itself; one without a length stands for work that needs nothing of the file. */
export interface Piece {
  readonly offset: number;
  readonly compressedLength: number;
}

/** Reading so many bytes for nothing is cheaper than another request: its two headers, its turn in two programs. */
const worthwhileGap = 1024;
/** A range is not made longer than this, to have the next ones under way with it. */
const maxRange = 256 * 1024;
/** What is under way at the same time: requests enough to fill a long line, bytes few enough for our memory. */
const maxRangesAhead = 64;
const maxBytesAhead = 16 * 1024 * 1024;

const nothing = Buffer.alloc(0);

interface Range<P> {
  readonly pieces: readonly P[];
  readonly start: number;
  readonly end: number;
}

/** Reads pieces and gives each with its bytes, in the order asked for: near ones by one request, many at a time. */
export async function* readPieces<P extends Piece>(
  source: RangeSource,
  pieces: AsyncIterable<P> | Iterable<P>,
): AsyncGenerator<readonly [piece: P, bytes: Buffer]> {
  for await (const [{ pieces: read, start }, bytes] of readRanges(source, rangesOf(pieces))) {
    for (const piece of read) yield [piece, bytes.subarray(piece.offset - start, endOf(piece) - start)];
  }
}

async function* rangesOf<P extends Piece>(pieces: AsyncIterable<P> | Iterable<P>): AsyncGenerator<Range<P>> {
  let range: { pieces: P[]; start: number; end: number } | undefined;
  for await (const piece of pieces) {
    if (range !== undefined && joins(range, piece)) {
      range.pieces.push(piece);
      range.end = endOf(piece);
      continue;
    }
    if (range !== undefined) yield range;
    range = { pieces: [piece], start: piece.offset, end: endOf(piece) };
  }
  if (range !== undefined) yield range;
}

function joins({ start, end }: Omit<Range<Piece>, 'pieces'>, piece: Piece): boolean {
  const gap = piece.offset - end;
  if (start === end || piece.compressedLength === 0) return false;
  return gap >= 0 && gap <= worthwhileGap && endOf(piece) - start <= maxRange;
}

function endOf({ offset, compressedLength }: Piece): number {
  return offset + compressedLength;
}

async function* readRanges<P>(
  source: RangeSource,
  ranges: AsyncIterable<Range<P>>,
): AsyncGenerator<readonly [range: Range<P>, bytes: Buffer]> {
  const underWay: { readonly range: Range<P>; readonly bytes: Promise<Buffer> }[] = [];
  let bytesAhead = 0;
  for await (const range of ranges) {
    const length = range.end - range.start;
    while (underWay.length > 0 && (underWay.length >= maxRangesAhead || bytesAhead + length > maxBytesAhead)) {
      const oldest = underWay.shift();
      if (oldest === undefined) break;
      yield [oldest.range, await oldest.bytes];
      bytesAhead -= oldest.range.end - oldest.range.start;
    }
    const bytes = length === 0 ? Promise.resolve(nothing) : source.read(range.start, length);
    bytes.catch(() => undefined); // seen when its turn comes
    underWay.push({ range, bytes });
    bytesAhead += length;
  }
  for (const { range, bytes } of underWay) yield [range, await bytes];
}
