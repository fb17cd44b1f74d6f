import type { CheckedSource } from '#common/archive/file-range-source.ts';

/** Counts what is read of a file and tells of it, piece by piece. */
export class MeteredSource implements CheckedSource {
  readonly name: string;
  readonly size: number;
  /** Bytes. */
  fetched = 0;

  constructor(
    private readonly source: CheckedSource,
    private readonly onFetched: (bytes: number) => void,
  ) {
    this.name = source.name;
    this.size = source.size;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = await this.source.read(offset, length);
    this.#count(bytes.length);
    return bytes;
  }

  async *stream(start?: number, end?: number): AsyncGenerator<Buffer> {
    for await (const part of this.source.stream(start, end)) {
      this.#count(part.length);
      yield part;
    }
  }

  verifyUnchanged(): Promise<void> {
    return this.source.verifyUnchanged();
  }

  close(): Promise<void> {
    return this.source.close();
  }

  #count(bytes: number): void {
    this.fetched += bytes;
    this.onFetched(this.fetched);
  }
}
