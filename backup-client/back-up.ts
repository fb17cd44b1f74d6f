import { chmod, type FileHandle, lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceFacts } from '#common/archive/archive-facts.ts';
import { openArchiveIndex } from '#common/archive/archive-index.ts';
import { type ArchiveName, formatArchiveName } from '#common/archive/archive-name.ts';
import { ArchiveWriter } from '#common/archive/archive-writer.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { verifyArchive } from '#common/archive/verify-archive.ts';
import { renameDurably } from '#common/atomic-file.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { withDirectoryLock } from '#common/directory-lock.ts';
import { BackupError, hasCode, kindOf, messagesOf } from '#common/errors.ts';
import { freeSpace } from '#common/free-space.ts';
import type { Log } from '#common/log.ts';
import type { Collector } from '#common/plugin/collector.ts';
import type { Runner } from '#common/process/runner.ts';
import { partReport } from '#common/run/part-report.ts';
import type { PartReport, RunReport } from '#common/run/report.ts';
import { runReport } from '#common/run/run-report.ts';
import { Stages } from '#common/run/stages.ts';
import { BaseArchive, forgetBase } from './base-archive.ts';
import type { ClientConfig } from './config.ts';
import type { Service } from './discover.ts';
import { emptyStaging, keptFolderOf, knownArchives, prepareDropFolder, stagingName } from './drop-folder.ts';
import { expiredArchives } from './expire-archives.ts';
import { InterventionLog } from './intervention-log.ts';
import { type OpenArchive, runService, type ServiceTools, type ServiceTrace, tooLittleSpace } from './service-run.ts';
import { undoAll } from './undo.ts';

export interface BackUpTools {
  readonly version: string;
  readonly log: Log;
  readonly now: () => Date;
  /** Rejects when the run is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly runner: Runner;
  /** Programs that do not end with the run, but with their own signal. */
  readonly lastingRunner: (signal: AbortSignal) => Runner;
  readonly collectors: readonly Collector[];
  readonly dryRun: boolean;
}

/**
 * The client's run: every service appends to one staged archive, which is verified by reading it back and only then
 * gets its name in the drop folder. What fails is in the report; nothing half made is ever left under a final name.
 */
export async function backUp(
  config: ClientConfig,
  services: readonly Service[],
  tools: BackUpTools,
): Promise<RunReport> {
  const stages = new Stages(tools.log, tools.now);
  const startedAt = tools.now();
  const parts: PartReport[] = [];
  const leftovers: PartReport[] = [];
  const common = {
    program: 'local-backup',
    version: tools.version,
    hostname: config.hostname,
    dryRun: tools.dryRun,
  } as const;
  const report = (more: Partial<Pick<RunReport, 'failure' | 'facts'>>): RunReport =>
    runReport({
      ...common,
      startedAt: startedAt.toISOString(),
      finishedAt: tools.now().toISOString(),
      parts: [...leftovers, ...parts],
      stages: stages.records,
      warnings: stages.warnings,
      facts: {},
      ...more,
    });
  try {
    if (!tools.dryRun) leftovers.push(...(await recoverLeftovers(config, tools)));
    const facts = tools.dryRun
      ? await checkServices(config, services, parts, tools)
      : await makeArchive(config, services, formatArchiveName(config.hostname, startedAt), stages, parts, tools);
    return report({ facts });
  } catch (error) {
    return report({ failure: stages.failureOf(tools.signal.aborted ? tools.signal.reason : error) });
  }
}

/** What an interrupted run had stopped is started first; what cannot be is a failed part of this run. */
async function recoverLeftovers(config: ClientConfig, tools: BackUpTools): Promise<PartReport[]> {
  const log = new InterventionLog(config.stateDir);
  if ((await log.all()).length === 0) return [];
  const part = await partReport('left by an interrupted run', tools, async (stages) => {
    const warn = (message: string): void => stages.warn(message);
    await stages.run('recover', async () => {
      const { done, failures } = await undoAll(log, tools.collectors, { ...tools, commands: config.tools, warn });
      for (const line of done) warn(line);
      for (const failure of failures.slice(1)) warn(messagesOf(failure).join('; '));
      if (failures[0] !== undefined) throw failures[0];
    });
    return {};
  });
  return [part];
}

type Facts = RunReport['facts'];

async function makeArchive(
  config: ClientConfig,
  services: readonly Service[],
  name: ArchiveName,
  stages: Stages,
  parts: PartReport[],
  tools: BackUpTools,
): Promise<Facts> {
  const staging = join(config.baseBackupDir, stagingName);
  await stages.run('prepare drop folder', async () => {
    await prepareDropFolder(config);
    for (const left of await emptyStaging(config))
      stages.warn(`removed what an interrupted run had left: ${join(staging, left)}`);
    await requireSpaceToStart(config, staging);
  });
  const run = { config, services, name, staging, stages, parts, tools };
  try {
    const built = await build(run);
    if (built === undefined) return {};
    const { size, entries, bytes, base } = built;
    try {
      await stages.run('publish', () => publish(run, base));
    } finally {
      await base.close();
    }
    return { archive: name.fileName, size: formatByteSize(size), entries, content: formatByteSize(bytes) };
  } finally {
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

/** Builds on the last archive, undefined when every service is left out this time; when what comes of that does not verify, everything is read instead. */
async function build(run: Making): Promise<Built | undefined> {
  const { config, stages, parts } = run;
  const base = await BaseArchive.open(config, run.name.time, true);
  try {
    return await buildOn(base, run);
  } catch (error) {
    await base.close();
    if (!base.isThere || kindOf(error) !== 'damaged-archive') throw error;
    stages.warn(`the last archive is not fit to build on (${messagesOf(error)[0]}); everything is read`);
    await forgetBase(config);
    parts.length = 0;
    return buildOn(await BaseArchive.open(config, run.name.time, false), run);
  }
}

async function buildOn(base: BaseArchive, run: Making): Promise<Built | undefined> {
  const { config, services, name, staging, stages, parts, tools } = run;
  for (const path of [stagedPath(run), spoolPath(run)]) await rm(path, { force: true });
  const size = await withFiles(stagedPath(run), spoolPath(run), async (file, indexSpool) => {
    const writer = new ArchiveWriter(file, indexSpool);
    const traces = await runServices(
      config,
      services,
      { writer, folders: new Set() },
      { staging, reuse: base },
      parts,
      tools,
    );
    if (parts.every(({ outcome }) => outcome === 'skipped')) return undefined;
    if (parts.every(({ outcome }) => outcome === 'failed' || outcome === 'skipped')) throw nothingSaved();
    return stages.run('write index', () =>
      writer.finish(archiveFacts(config, name, services, parts, traces, tools), msToNs(name.time)),
    );
  });
  if (size === undefined) {
    await base.close();
    return undefined;
  }
  const verified = await stages.run('verify', () => verify(stagedPath(run)));
  return { size, ...verified, base };
}

/** In a dry run every service is only checked; nothing is written anywhere. */
async function checkServices(
  config: ClientConfig,
  services: readonly Service[],
  parts: PartReport[],
  tools: BackUpTools,
): Promise<Facts> {
  const never = (): never => {
    throw new Error('a dry run came to write');
  };
  const archive: OpenArchive = { folders: new Set(), writer: new Proxy({} as ArchiveWriter, { get: never }) };
  await runServices(config, services, archive, { staging: join(config.baseBackupDir, stagingName) }, parts, tools);
  return {};
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

async function runServices(
  config: ClientConfig,
  services: readonly Service[],
  archive: OpenArchive,
  place: Pick<ServiceTools, 'staging' | 'reuse'>,
  parts: PartReport[],
  tools: BackUpTools,
): Promise<ReadonlyMap<Service, ServiceTrace>> {
  const traces = new Map<Service, ServiceTrace>();
  for (const service of services) {
    tools.signal.throwIfAborted();
    const name = `${service.type}/${service.name}`;
    const log = tools.log.child({ service: name });
    const serviceTools = {
      ...tools,
      ...place,
      log,
      commands: config.tools,
      interventions: new InterventionLog(config.stateDir),
      keptFolder: keptFolderOf(config),
      minFreeSpaceBytes: config.minFreeSpaceBytes,
    };
    parts.push(
      await partReport(name, { ...tools, log }, (stages) => runService(service, archive, stages, serviceTools, traces)),
    );
  }
  return traces;
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
    return await verifyArchive(index);
  } finally {
    await source.close();
  }
}

/** Under the shared lock, which the server looks at: the new name appears, old ones go. */
async function publish(run: Making, base: BaseArchive): Promise<void> {
  const { config, name, stages, tools } = run;
  const staged = stagedPath(run);
  const options = {
    ...config.lock,
    folder: config.baseBackupDir,
    program: 'local-backup',
    now: tools.now,
    sleep: tools.sleep,
    onWait: (holder: string) => tools.log.info({ holder }, 'waiting for the lock of the drop folder'),
  };
  await withDirectoryLock(options, async (lost) => {
    await giveToFetcher(staged, config);
    lost.throwIfAborted();
    await base.adopt(staged);
    await rename(staged, join(config.baseBackupDir, name.fileName));
    await expire(config, stages, tools);
  });
}

async function giveToFetcher(staged: string, config: ClientConfig): Promise<void> {
  const file = await open(staged, 'r');
  try {
    await file.chown(config.backupUser.id, config.backupGroup.id);
  } finally {
    await file.close();
  }
  await chmod(staged, 0o400);
}

async function rename(from: string, to: string): Promise<void> {
  const found = await lstat(to).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found !== undefined)
    throw new BackupError(`${to} is there already`, { hint: 'Two runs began in the same second; start again.' });
  await renameDurably(from, to);
}

async function expire(config: ClientConfig, stages: Stages, tools: BackUpTools): Promise<void> {
  for (const { path } of expiredArchives(await knownArchives(config), config.keepDays, tools.now())) {
    await rm(path, { force: true }).catch((error: Error) =>
      stages.warn(`the old archive ${path} could not be removed: ${error.message}`),
    );
    tools.log.info({ path }, 'expired archive removed');
  }
}

function nothingSaved(): BackupError {
  return new BackupError('no service could be saved, so there is no archive', {
    hint: 'See what each service failed at.',
  });
}
