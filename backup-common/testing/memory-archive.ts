import { readFileSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { type BytePath, bytePathOf, bytesOf, escapeBytes } from '../archive/byte-path.ts';
import { walkTree } from '../archive/walk-tree.ts';
import type { ServiceArchive, StreamRequest, TreeRequest } from '../plugin/collector.ts';

/** What a service's archive got: each path below the service's folder, with a trailing slash for a folder. */
export interface MemoryArchive extends ServiceArchive {
  /** A file's bytes, a link's target, nothing for the rest; in the order in which they came. */
  readonly entries: ReadonlyMap<string, Buffer>;
}

/** An archive for tests of collectors: it keeps to the rules of `ServiceArchive` and holds all in memory. */
export function memoryArchive(): MemoryArchive {
  const entries = new Map<string, Buffer>();
  const add = (path: string, content: Buffer): void => {
    if (entries.has(path)) throw new Error(`${path} came twice`);
    entries.set(path, content);
  };
  return {
    entries,
    async addTree(request) {
      requireInside(request.as);
      for (const [path, content] of read(request)) add(path, content);
    },
    async addStream(request) {
      requireInside(request.as);
      add(request.as, await wholeOf(request)); // a stream that throws leaves nothing
    },
  };
}

function requireInside(as: string): void {
  if (as === '' || as !== posix.normalize(as) || as.startsWith('/') || as.startsWith('..') || as.endsWith('/')) {
    throw new Error(`"${as}" is no place in an archive`);
  }
}

function* read({ source, as, excludes }: TreeRequest): Generator<readonly [path: string, content: Buffer]> {
  for (const { path, stat } of walkTree(source, excludes === undefined ? {} : { excludes })) {
    const name = escapeBytes(path === '' ? bytePathOf(as) : `${bytePathOf(as)}/${path}`);
    const onDisk = diskPath(source, path);
    if (stat.type === 'folder') yield [`${name}/`, Buffer.alloc(0)];
    else if (stat.type === 'symlink') yield [name, readlinkSync(onDisk, { encoding: 'buffer' })];
    else yield [name, stat.type === 'file' ? readFileSync(onDisk) : Buffer.alloc(0)];
  }
}

function diskPath(source: string, path: BytePath): Buffer {
  return bytesOf(path === '' ? bytePathOf(source) : `${bytePathOf(source)}/${path}`);
}

async function wholeOf({ content }: StreamRequest): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}
