import { BackupError } from '#common/errors.ts';

/** A snapshot as `restic snapshots --json` tells of it. */
export interface Snapshot {
  readonly id: string;
  readonly shortId: string;
  readonly time: Date;
  readonly hostname: string;
  readonly tags: readonly string[];
  readonly paths: readonly string[];
}

/** The summary of `restic backup --json`; bytes where the names say so. */
export interface BackupSummary {
  readonly snapshotId: string;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly filesProcessed: number;
  readonly bytesProcessed: number;
  /** Added to the repository, before compression. */
  readonly bytesAdded: number;
}

type Json = Readonly<Record<string, unknown>>;

export function parseSnapshots(text: string): readonly Snapshot[] {
  return list(parse(text)).map(snapshotOf);
}

/** The inverse of `parseSnapshots`. */
export function formatSnapshots(snapshots: readonly Snapshot[]): string {
  return JSON.stringify(snapshots.map(({ shortId, ...facts }) => ({ ...facts, short_id: shortId })));
}

function snapshotOf(value: Json): Snapshot {
  const id = String(value.id);
  return {
    id,
    shortId: String(value.short_id ?? id.slice(0, 8)),
    time: new Date(String(value.time)),
    hostname: String(value.hostname),
    tags: strings(value.tags),
    paths: strings(value.paths),
  };
}

/** The ids that `restic forget --dry-run --json` would remove; it says nothing at all where there is no snapshot. */
export function parseForgetPlan(text: string): readonly string[] {
  if (text.trim() === '') return [];
  return list(parse(text)).flatMap((group) => list(group.remove).map((snapshot) => String(snapshot.id)));
}

/** The last line of kind `summary`; undefined when there is none. */
export function parseBackupSummary(text: string): BackupSummary | undefined {
  const line = text.split('\n').findLast((candidate) => candidate.includes('"message_type":"summary"'));
  if (line === undefined) return undefined;
  const value = parse(line) as Json;
  const number = (key: string): number => Number(value[key] ?? 0);
  return {
    snapshotId: String(value.snapshot_id ?? ''),
    filesNew: number('files_new'),
    filesChanged: number('files_changed'),
    filesUnmodified: number('files_unmodified'),
    filesProcessed: number('total_files_processed'),
    bytesProcessed: number('total_bytes_processed'),
    bytesAdded: number('data_added'),
  };
}

/** `restic stats --mode raw-data --json`: bytes that the repository's data takes. */
export function parseRawSize(text: string): number {
  return Number((parse(text) as Json).total_size ?? 0);
}

/** `restic version`: [0, 14] of `restic 0.14.0 compiled with …`. */
export function parseVersion(text: string): readonly [major: number, minor: number] {
  const match = /^restic (\d+)\.(\d+)/.exec(text);
  if (match === null) throw new BackupError(`this is no restic that we know: ${text.split('\n')[0]}`);
  return [Number(match[1]), Number(match[2])];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BackupError(`restic answered something that is no JSON: ${text.slice(0, 200)}`, { cause: error });
  }
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
