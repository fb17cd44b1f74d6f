import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceFacts } from '#common/archive/archive-facts.ts';
import { openArchiveIndex } from '#common/archive/archive-index.ts';
import type { ArchiveName } from '#common/archive/archive-name.ts';
import { archiveThreads } from '#common/archive/archive-threads.ts';
import type { ArchiveWork } from '#common/archive/archive-work.ts';
import { ArchiveWriter } from '#common/archive/archive-writer.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { verifyIndex } from '#common/archive/verify-archive.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { BackupError, kindOf, messagesOf } from '#common/errors.ts';
import { freeSpace } from '#common/free-space.ts';
import type { PartReport, RunReport } from '#common/run/report.ts';
import type { Stages } from '#common/run/stages.ts';
import type { BackUpTools } from './back-up-tools.ts';
import { BaseArchive, forgetBase } from './base-archive.ts';
import { noteOf } from './collect/block-note.ts';
import type { ClientConfig } from './config.ts';
import type { Service } from './discover.ts';
import { emptyStaging, prepareDropFolder, removeUnusedKept, stagingName } from './drop-folder.ts';
import { publishArchive } from './publish-archive.ts';
import { runServices } from './run-services.ts';
import { type ServiceTrace, tooLittleSpace } from './service-run.ts';

/** The archive of a run, under its final name; its figures for the report. Nothing half made is left behind. */
export async function makeArchive(
  config: ClientConfig,
  services: readonly Service[],
  name: ArchiveName,
  stages: Stages,
  parts: PartReport[],
  tools: BackUpTools,
): Promise<RunReport['facts']> {
  const staging = join(config.baseBackupDir, stagingName);
  await stages.run('prepare drop folder', async () => {
    await prepareDropFolder(config);
    for (const left of await emptyStaging(config))
      stages.warn(`removed what an interrupted run had left: ${join(staging, left)}`);
    for (const path of await removeUnusedKept(config, services))
      tools.log.info({ path }, 'what a task had kept is removed, since it is not configured any more');
    await requireSpaceToStart(config, staging);
  });
  const work = archiveThreads();
  const run = { config, services, name, staging, stages, parts, tools, work };
  try {
    const built = await build(run);
    if (built === undefined) return {};
    const { size, entries, bytes, base } = built;
    try {
      await stages.run('publish', () =>
        publishArchive({ ...run, base, staged: stagedPath(run), fileName: name.fileName }),
      );
    } finally {
      await base.close();
    }
    return { archive: name.fileName, size: formatByteSize(size), entries, content: formatByteSize(bytes) };
  } finally {
    await work.close();
    for (const path of [stagedPath(run), spoolPath(run)]) await rm(path, { force: true });
  }
}

/** One run's making of its archive. */
interface Making {
  readonly config: ClientConfig;
  readonly services: readonly Service[];
  readonly name: ArchiveName;
  readonly staging: string;
  readonly stages: Stages;
  readonly parts: PartReport[];
  readonly tools: BackUpTools;
  readonly work: ArchiveWork;
}

interface Built {
  readonly size: number;
  readonly entries: number;
  readonly bytes: number;
  readonly base: BaseArchive;
}

function stagedPath({ staging, name }: Making): string {
  return join(staging, name.fileName);
}

function spoolPath({ staging }: Making): string {
  return join(staging, 'index');
}

/**
 * Builds on the last archive; when what comes of that does not verify, everything is read instead. Undefined when every
 * service is left out this time.
 */
async function build(run: Making): Promise<Built | undefined> {
  const { config, stages, parts, work } = run;
  const base = await BaseArchive.open(config, run.name.time, work);
  try {
    return await buildOn(base, run);
  } catch (error) {
    await base.close();
    const damage = base.damage ?? error;
    if (!base.isThere || kindOf(damage) !== 'damaged-archive') throw error;
    stages.warn(`the last archive is not fit to build on (${messagesOf(damage)[0]}); everything is read`);
    await forgetBase(config);
    parts.length = 0;
    return buildOn(BaseArchive.none(config, run.name.time, work), run);
  }
}

async function buildOn(base: BaseArchive, run: Making): Promise<Built | undefined> {
  for (const path of [stagedPath(run), spoolPath(run)]) await rm(path, { force: true });
  const built = await withFiles(stagedPath(run), spoolPath(run), async (file, indexSpool) => {
    const size = await write(base, run, file, indexSpool);
    if (size === undefined) return undefined;
    const [verified] = await run.stages.run('verify', () => Promise.all([verify(stagedPath(run)), file.sync()]));
    return { size, ...verified, base };
  });
  if (built === undefined) await base.close();
  return built;
}

/** The archive's size; undefined when every service is left out this time. */
async function write(
  base: BaseArchive,
  run: Making,
  file: FileHandle,
  indexSpool: FileHandle,
): Promise<number | undefined> {
  const { config, services, name, staging, stages, parts, tools, work } = run;
  const writer = new ArchiveWriter(file, indexSpool, { work, noteOf });
  const traces = await runServices(
    config,
    services,
    { writer, folders: new Set() },
    { staging, reuse: base },
    parts,
    tools,
  );
  if (base.damage !== undefined) throw base.damage;
  if (parts.every(({ outcome }) => outcome === 'skipped')) return undefined;
  if (parts.every(({ outcome }) => outcome === 'failed' || outcome === 'skipped')) throw nothingSaved();
  return stages.run('write index', async () => {
    const facts = archiveFacts(config, name, services, parts, traces, tools);
    const length = await writer.finish(facts, msToNs(name.time));
    await base.keepNotes(writer.blocks);
    return length;
  });
}

async function requireSpaceToStart(config: ClientConfig, staging: string): Promise<void> {
  const { bytes } = await freeSpace(staging);
  if (bytes < config.minFreeSpaceBytes) throw tooLittleSpace(config.baseBackupDir, bytes, config.minFreeSpaceBytes);
}

async function withFiles<T>(
  path: string,
  spoolPath: string,
  fn: (file: FileHandle, spool: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, 'wx+', 0o600);
  try {
    const spool = await open(spoolPath, 'wx+', 0o600);
    try {
      return await fn(file, spool);
    } finally {
      await spool.close();
    }
  } finally {
    await file.close();
  }
}

function archiveFacts(
  config: ClientConfig,
  name: ArchiveName,
  services: readonly Service[],
  parts: readonly PartReport[],
  traces: ReadonlyMap<Service, ServiceTrace>,
  tools: BackUpTools,
) {
  const factsOf = (service: Service, index: number): ServiceFacts => {
    const part = parts[index];
    if (part === undefined) throw new Error('a service was not run');
    const { outcome, startedAt, durationMs, warnings, failure } = part;
    const common = { type: service.type, name: service.name, outcome, startedAt, durationMs, warnings };
    return {
      ...common,
      ...(failure !== undefined && { failure: failure.messages }),
      sources: [],
      ...traces.get(service),
    };
  };
  const program = `local-backup ${tools.version}`;
  return { host: config.hostname, program, createdAt: name.time.toISOString(), services: services.map(factsOf) };
}

function msToNs(time: Date): bigint {
  return BigInt(time.getTime()) * 1_000_000n;
}

async function verify(path: string) {
  const source = await openFileSource(path);
  try {
    const index = await openArchiveIndex(source);
    if (index === undefined) throw new BackupError(`${path} does not end as an archive of ours`);
    return await verifyIndex(index);
  } finally {
    await source.close();
  }
}

function nothingSaved(): BackupError {
  return new BackupError('no service could be saved, so there is no archive', {
    hint: 'See what each service failed at.',
  });
}
