import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveIndex, entriesByPath, openArchiveIndex } from '#common/archive/archive-index.ts';
import { parseArchiveName } from '#common/archive/archive-name.ts';
import { withArchiveThreads } from '#common/archive/archive-threads.ts';
import { type BytePath, bytePathOf, escapeBytes, unescapeBytes } from '#common/archive/byte-path.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import { formatIndexEntry } from '#common/archive/index-entry.ts';
import { restoreArchive } from '#common/archive/restore-archive.ts';
import { compareWithSecondReader } from '#common/archive/second-reader.ts';
import { formatSeconds } from '#common/archive/tar-entry.ts';
import { verifyArchive } from '#common/archive/verify-archive.ts';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { formatByteSize } from '#common/config/byte-size.ts';
import { Problems } from '#common/config/problems.ts';
import { BackupError, exitCodes } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { loadClientConfig } from '../config.ts';

/** `local-backup list [ARCHIVE]`: the archives here, or what is in one of them. */
export async function list(context: CommandContext): Promise<CommandOutcome> {
  const [archive] = context.args;
  return archive === undefined ? listArchives(context) : withArchive(archive, listEntries);
}

async function listArchives(context: CommandContext): Promise<CommandOutcome> {
  const config = await configOf(context);
  const found: { archive: string; size: number; services: readonly string[]; failed: readonly string[] }[] = [];
  for (const folder of [config.baseBackupDir, join(config.baseBackupDir, 'done')]) {
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      if (parseArchiveName(config.hostname, name) === undefined) continue;
      found.push(
        await withSource(join(folder, name), async (source) => {
          const services = (await openArchiveIndex(source))?.facts.services ?? [];
          const named = (isFailed: boolean) =>
            services
              .filter(({ outcome }) => (outcome === 'failed') === isFailed)
              .map(({ type, name: own }) => `${type}/${own}`);
          return { archive: source.name, size: source.size, services: named(false), failed: named(true) };
        }),
      );
    }
  }
  const lines = found.map(({ archive, size, services, failed }) => {
    const missing = failed.length === 0 ? '' : `  without ${failed.join(', ')} (failed)`;
    return `${archive}  ${formatByteSize(size)}  ${services.join(', ')}${missing}`;
  });
  const text = lines.length === 0 ? `no archive of ${config.hostname} in ${config.baseBackupDir}` : lines.join('\n');
  return { exitCode: exitCodes.done, text, json: found };
}

async function listEntries(index: ArchiveIndex): Promise<CommandOutcome> {
  const lines: string[] = [];
  const entries: unknown[] = [];
  for await (const entry of entriesByPath(index)) {
    const seconds = Number.parseFloat(formatSeconds(entry.mtimeNs));
    const time = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
    const link = entry.link === undefined ? '' : ` -> ${escapeBytes(entry.link)}`;
    const mode = entry.mode.toString(8).padStart(4, '0');
    lines.push(
      `${mode} ${entry.uid}:${entry.gid} ${String(entry.size).padStart(12)} ${time} ${entry.type.padEnd(8)} ${escapeBytes(entry.path)}${link}`,
    );
    entries.push(JSON.parse(formatIndexEntry(entry)));
  }
  return { exitCode: exitCodes.done, text: lines.join('\n'), json: { facts: index.facts, entries } };
}

/** `local-backup verify ARCHIVE [--full]` */
export async function verify(context: CommandContext): Promise<CommandOutcome> {
  return withArchive(context.args[0] ?? '', async (index) => {
    const { entries, bytes } = await withArchiveThreads((work) => verifyArchive(index, work));
    const isFull = context.options.full === true;
    if (isFull) await compareWithSecondReader(index);
    const how = isFull ? ', and a second tar reader agrees' : '';
    const text = `${index.source.name} is intact: ${entries} entries, ${formatByteSize(bytes)}${how}`;
    return { exitCode: exitCodes.done, text, json: { archive: index.source.name, entries, bytes, full: isFull } };
  });
}

/** `local-backup restore --from ARCHIVE [PATH…] --to DIR` */
export async function restore(context: CommandContext): Promise<CommandOutcome> {
  const { from, to } = context.options as { from?: string; to?: string };
  if (from === undefined || to === undefined) {
    throw new BackupError('restore needs --from ARCHIVE and --to DIR', { exitCode: exitCodes.usage });
  }
  return withArchive(from, async (index) => {
    const runner = execaRunner(context.signal);
    const { entries, bytes, devices } = await withArchiveThreads((work) =>
      restoreArchive(index, context.args.map(pathOf), to, { tar: 'tar', runner, work }),
    );
    const made = devices === 0 ? '' : `, ${devices} devices made`;
    const text = `restored ${entries} entries, ${formatByteSize(bytes)}, to ${to}${made}`;
    return { exitCode: exitCodes.done, text, json: { archive: from, to, entries, bytes, devices } };
  });
}

/** A path as `list` shows it; where that is not its form, the text itself. */
function pathOf(argument: string): BytePath {
  const plain = argument.replace(/^\.?\/+/, '').replace(/\/+$/, '');
  return unescapeBytes(plain) ?? bytePathOf(plain);
}

async function withArchive(
  path: string,
  fn: (index: ArchiveIndex) => Promise<CommandOutcome>,
): Promise<CommandOutcome> {
  return withSource(path, async (source) => {
    const index = await openArchiveIndex(source);
    if (index !== undefined) return fn(index);
    throw new BackupError(`${path} is no archive of local-backup, or its end is missing`, {
      hint: 'An intact .tar.gz of another program can be read with tar.',
    });
  });
}

async function withSource<T>(
  path: string,
  fn: (source: Awaited<ReturnType<typeof openFileSource>>) => Promise<T>,
): Promise<T> {
  const source = await openFileSource(path);
  try {
    return await fn(source);
  } finally {
    await source.close();
  }
}

async function configOf(context: CommandContext) {
  const problems = new Problems();
  const config = await loadClientConfig(context.configDir, problems);
  problems.throwIfAny();
  if (config === undefined) throw new Error('a configuration was refused without saying why');
  return config;
}
