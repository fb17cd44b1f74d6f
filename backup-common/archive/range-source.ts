/** A file that can be read in pieces, here or over SFTP. */
export interface RangeSource {
  /** For messages: the path, with the host where there is one. */
  readonly name: string;
  /** Bytes, as seen when it was opened. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`; a BackupError when the file ends before or cannot be read. */
  read(offset: number, length: number): Promise<Buffer>;
  /** All bytes from `start` (0) up to but not including `end` (the file's size), in order. */
  stream(start?: number, end?: number): AsyncIterable<Buffer>;
  close(): Promise<void>;
}
