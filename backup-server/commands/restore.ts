import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDevices } from '#common/archive/make-devices.ts';
import { requireEmptyFolder } from '#common/archive/restore-archive.ts';
import { servicesIn } from '#common/archive/snapshot-tags.ts';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { BackupError, exitCodes, hasCode } from '#common/errors.ts';
import { nearest } from '#common/nearest.ts';
import { chooseSnapshot } from '../choose-snapshot.ts';
import type { Restic } from '../restic/restic.ts';
import type { Snapshot } from '../restic/restic-output.ts';
import { hostNamed } from '../select-hosts.ts';
import { type ArchiveNote, noteName, parseNote } from '../tree/archive-note.ts';
import { commonTools, load } from './load.ts';

/** `backup-server restore HOST [--at TIME|--snapshot ID] [--path P…] --to DIR` */
export async function restore(context: CommandContext): Promise<CommandOutcome> {
  const {
    to,
    at,
    snapshot: id,
    path: paths = [],
  } = context.options as { to?: string; at?: string; snapshot?: string; path?: string[] };
  if (to === undefined) throw new BackupError('restore needs --to DIR', { exitCode: exitCodes.usage });
  const config = await load(context.configDir);
  const host = hostNamed(config.hosts, context.args[0] ?? '');
  const tools = commonTools(config, context);
  const restic = await tools.openRestic(host);
  const wanted = paths.map((path) => path.replace(/^\/+|\/+$/g, ''));
  const wish = { paths: wanted, ...(at !== undefined && { at }), ...(id !== undefined && { id }) };
  const snapshot = chooseSnapshot(await restic.snapshots(), wish, host.name);
  for (const path of wanted) await requirePath(restic, snapshot, path);
  if (!context.dryRun) await requireEmptyFolder(to);
  if (!context.dryRun)
    await restic.restore({
      snapshot: snapshot.id,
      target: to,
      paths: wanted.length === 0 ? [] : [...wanted, noteName],
    });
  const devices = context.dryRun ? 0 : await makeRecordedDevices(to, wanted, { tar: config.tar, runner: tools.runner });
  const what = wanted.length === 0 ? 'everything' : wanted.join(', ');
  const when = snapshot.time.toISOString();
  const verb = context.dryRun ? 'would restore' : 'restored';
  const missing = wanted.length === 0 ? servicesIn(snapshot.tags).failed : [];
  const text = [
    `${verb} ${what} of ${host.name}, snapshot ${snapshot.shortId} of ${when}, to ${to}${devices === 0 ? '' : `, ${devices} devices made`}`,
    ...missing.map(
      (service) => `not in it, since it had failed: ${service}; take it with --path ${service} from an earlier one`,
    ),
  ].join('\n');
  const json = { host: host.name, snapshot: snapshot.id, time: when, to, paths: wanted, devices, missing };
  return { exitCode: exitCodes.done, text, json };
}

/** restic restores nothing and says nothing when a path is not there; that must be an error. */
async function requirePath(restic: Restic, snapshot: Snapshot, path: string): Promise<void> {
  const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const there = (await restic.list(snapshot.id, parent)).map((found) => found.replace(/^\/|\/$/g, ''));
  if (there.includes(path)) return;
  const near = nearest(path, there) ?? there.slice(0, 10).join(', ');
  throw new BackupError(`the snapshot ${snapshot.shortId} has no "${path}"`, {
    hint: near === '' ? 'See "backup-server snapshots" for another one.' : `There is: ${near}.`,
  });
}

async function makeRecordedDevices(
  folder: string,
  wanted: readonly string[],
  tools: Parameters<typeof makeDevices>[2],
): Promise<number> {
  const note = await readNote(folder);
  const isWanted = (path: string) =>
    wanted.length === 0 || wanted.some((want) => path === want || path.startsWith(`${want}/`));
  return makeDevices(folder, note?.unstored.filter(({ path }) => isWanted(path)) ?? [], tools);
}

async function readNote(folder: string): Promise<ArchiveNote | undefined> {
  const path = join(folder, noteName);
  try {
    await lstat(path);
    return parseNote(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
