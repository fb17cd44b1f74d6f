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
  /**
   * What the archive names as the source when it is read from elsewhere: the live path behind a snapshot or a mirror.
   * `source` when left out; a source in the work folder is not named.
   */
  readonly standsFor?: string;
  /**
   * Tells the file system apart by something that lasts (a dataset's guid, a subvolume's uuid), for snapshots, whose
   * device number is another one each time. What has not changed since the last run is recognised by it.
   */
  readonly fileSystemId?: string;
  /** What it means that a path is gone when its turn comes: a warning (when left out), or the failure of the service. */
  readonly vanished?: 'warn' | 'fail';
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

/** Programs whose path is configured; each a command that may have words of its own, such as `docker compose`. */
export interface ToolCommands {
  readonly docker: string;
  readonly influx: string;
  readonly mysqldump: string;
  readonly pg_dump: string;
  readonly rsync: string;
  readonly tar: string;
  readonly univention_backup: string;
}

/** What a collector may touch the world with when it undoes something: maybe in another process, after a crash. */
export interface RecoveryContext {
  readonly service: { readonly type: string; readonly name: string };
  /** The key in service.yaml this collector runs for, for example `mysql`. */
  readonly taskKey: string;
  readonly log: Log;
  readonly runner: Runner;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly tools: ToolCommands;
  /** A warning for the report: the service stays good. */
  warn(message: string): void;
}

/** All that a collector may touch the world with. */
export interface CollectorContext extends RecoveryContext {
  /** The folder of the service.yaml; relative paths in options are resolved against it. */
  readonly configFolder: string;
  /** A private folder (0700) for this task, removed afterwards. */
  readonly workFolder: string;
  /** The path of a private folder for this task that stays from run to run, such as a mirror. Made by who uses it. */
  readonly keptFolder: string;
}

/**
 * Something that is changed on this machine for the time of a run and undone whatever happens. What `plan` gives is
 * plain JSON and lies on disk before `begin` is called: after a crash another process calls `end` with it.
 */
export interface Intervention<Options = never, State = unknown> {
  /** What is to be done, changing nothing; undefined where there is nothing to do, such as to stop what does not run. */
  plan(options: Options, context: CollectorContext): Promise<State | undefined>;
  /** What is stopped or taken, for people: `the compose services web and db`. */
  describe(state: State): string;
  begin(state: State, context: CollectorContext): Promise<void>;
  /** Undoes it. Must also do when `begin` never ran or broke off, and when all is undone already. */
  end(state: State, context: RecoveryContext): Promise<void>;
}

/** A snapshot that the task reads from instead of the live data. Taken while the service is stopped. */
export interface Snapshot<Options = never, State = unknown> extends Intervention<Options, State> {
  /** Whether the task reads from nothing else, so that the service may run again before it is read. */
  isComplete(state: State): boolean;
}

/** Something on this machine that a task could save, for the coverage audit. */
export interface Asset {
  /** What it is, in a word or two: `compose project`, `volume`, `PostgreSQL database`, `ZFS dataset`, `container`. */
  readonly kind: string;
  /** Its name, unique within its kind on this machine. */
  readonly name: string;
  /** Where its data lies as files, if it does: a task that saves this path covers it. */
  readonly path?: string;
}

/** What a task saves, in the words of the audit. */
export interface Coverage {
  readonly assets: readonly Pick<Asset, 'kind' | 'name'>[];
  /** Folders saved with all below them. */
  readonly paths: readonly string[];
}

/**
 * A collector is a value. `live` collectors collect while the service is up, `quiesced` ones while it is stopped, if
 * some task of the service stops it. Every failure is a BackupError with a hint.
 *
 * A service runs like this: check all tasks → collect the live ones → prepare the others → stop → snapshot → collect
 * what is not read from a snapshot → start again → collect from snapshots → remove the snapshots → clean up.
 */
export interface Collector<Options = never, State = unknown> {
  readonly name: string;
  /** The keys of service.yaml it answers to. */
  readonly taskKeys: readonly string[];
  readonly phase: 'live' | 'quiesced';
  readonly schema: OptionsSchema;
  /**
   * What local-backup.service must allow beyond what it comes with, as lines of its [Service] section:
   * `PrivateDevices=no`, `CapabilityBoundingSet=CAP_SYS_ADMIN`; a function where that depends on the options.
   * `local-backup check` prints the drop-in.
   */
  readonly unitLines?: readonly string[] | ((options: Options) => readonly string[]);
  /** Looks, before anything is touched, whether the task can work: programs, paths. Changes nothing. */
  check?(options: Options, context: CollectorContext): Promise<void>;
  /** Why the service is left out this time (`outside of stop_hours`), if it is. */
  skip?(options: Options, context: CollectorContext): Promise<string | undefined>;
  /** Work of a quiesced task that is done while the service still runs, to stop it for a shorter time. */
  prepare?(options: Options, context: CollectorContext): Promise<void>;
  readonly stop?: Intervention<Options>;
  readonly snapshot?: Snapshot<Options, State>;
  /**
   * What the task makes on this machine for the time of its run only, beside its work folder: an export within a container.
   * Begun before anything else of the service, ended last.
   */
  readonly cleanup?: Intervention<Options>;
  /** `snapshot` is the state of the task's own snapshot, if it has one. */
  collect(options: Options, context: CollectorContext, archive: ServiceArchive, snapshot?: State): Promise<void>;
  /** All that is on this machine of the kinds this collector saves; nothing where its program is not installed. */
  findAssets?(context: RecoveryContext): Promise<readonly Asset[]>;
  /** Which of that a task saves. */
  coverage?(options: Options, context: CollectorContext): Promise<Coverage>;
}
