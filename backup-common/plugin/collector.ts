import type { Log } from '../log.ts';
import type { Runner } from '../process/runner.ts';

/** A JSON Schema (draft 2020-12 subset that ajv reads), checked at the task's place in service.yaml. */
export type OptionsSchema = Readonly<Record<string, unknown>>;

/** A folder or file that goes into the archive as it lies on disk, read by GNU tar. */
export interface TreeRequest {
  /** Absolute path of the source. */
  readonly source: string;
  /** Where it goes, below `<type>/<service>/`, for example `data/www`. Parents are made. */
  readonly as: string;
  /** Says for a path below the source (relative, bytes as latin1, no leading slash) whether it is left out. */
  readonly excludes?: (relativePath: string, isFolder: boolean) => boolean;
}

/**
 * A regular file whose bytes come from a stream, such as a program's output; its size need not be known. When the
 * stream throws, also after its last byte, the file is cut off again.
 */
export interface StreamRequest {
  readonly as: string;
  readonly content: AsyncIterable<Buffer>;
  /** Permission bits, 0o600 when left out. */
  readonly mode?: number;
}

/** The part of the archive that belongs to one service. */
export interface ServiceArchive {
  addTree(request: TreeRequest): Promise<void>;
  addStream(request: StreamRequest): Promise<void>;
}

/** All that a collector may touch the world with. */
export interface CollectorContext {
  readonly service: { readonly type: string; readonly name: string };
  /** The folder of the service.yaml; relative paths in options are resolved against it. */
  readonly configFolder: string;
  /** The key in service.yaml this collector runs for, for example `mysql`. */
  readonly taskKey: string;
  readonly log: Log;
  readonly runner: Runner;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** A private folder (0700) for this task, removed afterwards. */
  readonly workFolder: string;
  /** A warning for the report: the service stays good. */
  warn(message: string): void;
}

/**
 * A collector is a value. `live` collectors run while the service is up, `quiesced` ones while it is stopped (if
 * another task stops it). Every failure is a BackupError with a hint.
 */
export interface Collector<Options = never> {
  readonly name: string;
  /** The keys of service.yaml it answers to. */
  readonly taskKeys: readonly string[];
  readonly phase: 'live' | 'quiesced';
  readonly schema: OptionsSchema;
  /** Looks, before anything is touched, whether the task can work: programs, paths. Changes nothing. */
  check?(options: Options, context: CollectorContext): Promise<void>;
  collect(options: Options, context: CollectorContext, archive: ServiceArchive): Promise<void>;
}
