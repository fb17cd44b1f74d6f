import { type BytePath, bytesOf } from '#common/archive/byte-path.ts';

/** Where an entry of an archive lies in a folder of this machine, as bytes. */
export function diskPath(folder: string, path: BytePath): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), bytesOf(path)]);
}
