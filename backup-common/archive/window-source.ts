import type { RangeSource } from './range-source.ts';

const windowBytes = 1024 * 1024;

/** A local file whose parts are read one after the other: one read of 1 MiB serves those that lie in it. */
export function windowSource(source: RangeSource): RangeSource {
  let start = 0;
  let window: Promise<Buffer> = Promise.resolve(Buffer.alloc(0));
  let end = 0;
  return {
    name: source.name,
    size: source.size,
    async read(offset, length) {
      if (offset < start || offset + length > end) {
        start = offset;
        end = Math.max(offset + length, Math.min(offset + windowBytes, source.size));
        window = source.read(start, end - start);
      }
      const from = offset - start;
      return (await window).subarray(from, from + length);
    },
    stream: (from, to) => source.stream(from, to),
    close: () => source.close(),
  };
}
