import { statfs } from 'node:fs/promises';

export interface FreeSpace {
  /** Bytes that an ordinary user could still write. */
  readonly bytes: number;
  /** 0 on file systems that do not count inodes. */
  readonly inodes: number;
}

/** What is free on the file system that holds the path. */
export async function freeSpace(path: string): Promise<FreeSpace> {
  const { bavail, bsize, ffree, files } = await statfs(path);
  return { bytes: bavail * bsize, inodes: files === 0 ? 0 : ffree };
}
