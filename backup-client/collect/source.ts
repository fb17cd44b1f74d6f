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
  /** Where a hard link's target (as tar's header names it) lies in the archive. */
  placeOfHeaderPath(headerPath: BytePath): BytePath;
  describe(path: BytePath): string;
}

export function sourceAt(source: string, place: BytePath): Source {
  const name = bytePathOf(basename(source));
  const below = (parts: readonly string[]) => parts.filter((part) => part !== '').join('/');
  return {
    folder: dirname(source),
    diskPathOf: (path) => bytesOf(path === '' ? bytePathOf(source) : `${bytePathOf(join(source, '/'))}${path}`),
    tarNameOf: (path) => below(['.', name, path]),
    headerPathOf: (path) => below([name, path]),
    placeOf: (path) => below([place, path]),
    placeOfHeaderPath: (headerPath) => below([place, name === '' ? headerPath : headerPath.slice(name.length + 1)]),
    describe: (path) => escapeBytes(bytePathOf(join(source, '/')) + path).replace(/\/$/, ''),
  };
}
