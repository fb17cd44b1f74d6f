import { posix } from 'node:path';
import type { ArchiveWriter } from '#common/archive/archive-writer.ts';
import { type BytePath, bytePathOf } from '#common/archive/byte-path.ts';
import { pathProblem } from '#common/archive/entry-rules.ts';
import type { TarEntry } from '#common/archive/tar-entry.ts';
import { BackupError } from '#common/errors.ts';
import type { ServiceArchive, StreamRequest, TreeRequest } from '#common/plugin/collector.ts';
import { readTree, type TreeTools } from './read-tree.ts';

/** The archive as one service sees it: everything goes below `<type>/<name>/`, parents are made as needed. */
export class ServiceArchiveWriter implements ServiceArchive {
  /** Where each source on this machine went. */
  readonly sources: { readonly source: string; readonly path: string }[] = [];

  /** `folders` are those already in the archive; it is added to. */
  constructor(
    private readonly root: string,
    private readonly writer: ArchiveWriter,
    private readonly folders: Set<BytePath>,
    private readonly tools: TreeTools & { readonly now: () => Date; readonly staging: string },
  ) {}

  async addTree(request: TreeRequest): Promise<void> {
    const path = await this.#place(request.as);
    await readTree(request, path, this.writer, this.tools);
    await this.writer.endSegment();
    const source = request.standsFor ?? request.source;
    if (!source.startsWith(`${this.tools.staging}/`)) this.sources.push({ source, path: `${this.root}/${request.as}` });
  }

  async addStream(request: StreamRequest): Promise<void> {
    const path = await this.#place(request.as);
    const mark = await this.writer.mark();
    const mtimeNs = BigInt(this.tools.now().getTime()) * 1_000_000n;
    const entry = { ...ownedByRoot, path, type: 'file', mode: request.mode ?? 0o600, mtimeNs } as const;
    try {
      await this.writer.addStream(entry, request.content);
    } catch (error) {
      await this.writer.cutBackTo(mark);
      throw error;
    }
    await this.writer.endSegment();
  }

  /** The folder of the service itself, so that a service without content leaves a trace. */
  async addRoot(): Promise<void> {
    await this.#addFolders(bytePathOf(this.root));
  }

  async #place(as: string): Promise<BytePath> {
    const path = bytePathOf(`${this.root}/${as}`);
    const problem = pathProblem(path);
    if (problem !== undefined) throw new Error(`a collector asked for the path "${as}", which ${problem}`);
    await this.#addFolders(bytePathOf(posix.dirname(`${this.root}/${as}`)));
    if (this.folders.has(path)) {
      throw new BackupError(`${as} is in the archive already`, {
        hint: 'Two tasks write it. Give them names of their own, or make two services of them.',
      });
    }
    this.folders.add(path);
    return path;
  }

  async #addFolders(path: BytePath): Promise<void> {
    if (path === '.' || this.folders.has(path)) return;
    await this.#addFolders(posix.dirname(path));
    this.folders.add(path);
    await this.writer.endSegment();
    await this.writer.add({ ...ownedByRoot, path, type: 'folder', mode: 0o755, mtimeNs: 0n }, [], {});
    await this.writer.endSegment();
  }
}

const ownedByRoot: Omit<TarEntry, 'path' | 'type' | 'mode' | 'mtimeNs'> = {
  uid: 0,
  gid: 0,
  size: 0,
  storedSize: 0,
  link: undefined,
  attributes: [],
};
