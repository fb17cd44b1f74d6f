import { basename, dirname, join } from 'node:path';
import { type BytePath, bytePathOf, bytesOf, escapeBytes } from '#common/archive/byte-path.ts';

/** One source: the ways between its path on disk, its name for tar and its place in the archive. */
export interface Source {
  /** The folder tar starts from. */
  readonly folder: string;
  diskPathOf(path: BytePath): Buffer;
  tarNameOf(path: BytePath): BytePath;
  /** As tar's own headers name it: without the leading `./`. */
  headerPathOf(path: BytePath): BytePath;
  placeOf(path: BytePath): BytePath;
  describe(path: BytePath): string;
}

export function sourceAt(source: string, place: BytePath): Source {
  const name = bytePathOf(basename(source));
  const root = bytePathOf(join(source, '/'));
  const tarRoot = below('.', name);
  return {
    folder: dirname(source),
    diskPathOf: (path) => bytesOf(path === '' ? bytePathOf(source) : root + path),
    tarNameOf: (path) => below(tarRoot, path),
    headerPathOf: (path) => below(name, path),
    placeOf: (path) => below(place, path),
    describe: (path) => escapeBytes(root + path).replace(/\/$/, ''),
  };
}

/** Either may be empty. */
function below(folder: BytePath, path: BytePath): BytePath {
  if (folder === '' || path === '') return folder + path;
  return `${folder}/${path}`;
}
