import type { CheckedSource } from '#common/archive/file-range-source.ts';
import { BackupError } from '#common/errors.ts';

/** A source whose connection is lost after so many bytes. */
export function breakingSource(source: CheckedSource, bytes: number): CheckedSource {
  let left = bytes;
  const spend = (length: number): void => {
    left -= length;
    if (left < 0) throw new BackupError('the connection broke', { kind: 'connection-lost' });
  };
  return {
    ...sourceLike(source),
    read: async (offset, length) => {
      spend(length);
      return source.read(offset, length);
    },
    async *stream(start, end) {
      for await (const part of source.stream(start, end)) {
        spend(part.length);
        yield part;
      }
    },
  };
}

/** The same source as a plain object, to be changed in parts. */
export function sourceLike(source: CheckedSource): CheckedSource {
  return {
    name: source.name,
    size: source.size,
    read: (offset, length) => source.read(offset, length),
    stream: (start, end) => source.stream(start, end),
    verifyUnchanged: () => source.verifyUnchanged(),
    close: () => source.close(),
  };
}
