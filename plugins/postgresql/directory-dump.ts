import { chown, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { CollectorContext } from '#common/plugin/collector.ts';
import type { CommandResult } from '#common/process/command.ts';
import { fillFromContainer } from '../database/container-folder.ts';
import { fileNameOf } from '../database/file-name.ts';
import { type Account, asAccountThatReads, onThisMachine, type Place } from '../database/place.ts';
import { type Client, dumpToFolder, readDump } from './commands.ts';
import { postgresqlFailure } from './failure.ts';

export interface DirectoryDump {
  readonly database: string;
  readonly options: readonly string[];
  readonly timeoutMs: number;
  readonly client: Client;
  readonly isInContainer: boolean;
  readonly context: CollectorContext;
  /** Names the task and the dump in messages. */
  readonly what: string;
  readonly failure: (result: CommandResult) => BackupError;
  readonly unreadable: (result: CommandResult) => BackupError;
}

/** Dumps into a folder in the work folder, reads it back, gives its path to `use`, and removes it afterwards. */
export async function withDumpFolder(request: DirectoryDump, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(request.context.workFolder, fileNameOf(request.database));
  await mkdir(folder, { mode: 0o700 });
  try {
    if (request.isInContainer) await fillInContainer(folder, request);
    else {
      await fill(folder, request);
      await readBack(folder, request);
    }
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** It is read back there: what is unpacked from it afterwards is whole when tar says so. */
function fillInContainer(target: string, request: DirectoryDump): Promise<void> {
  const { database, options, timeoutMs, client, context, what } = request;
  const { place } = client;
  return fillFromContainer(target, { place, timeoutMs, what, failure: postgresqlFailure }, context, async (folder) => {
    const result = await context.runner.run(dumpToFolder(database, folder, options, client, timeoutMs));
    if (result.exitCode !== 0) throw request.failure(result);
    await readBack(folder, request, place);
  });
}

async function readBack(
  folder: string,
  { client, timeoutMs, context, unreadable }: DirectoryDump,
  place: Place = onThisMachine,
): Promise<void> {
  const result = await context.runner.run(place(readDump(client, timeoutMs, folder)));
  if (result.exitCode !== 0) throw unreadable(result);
}

/** The folder lies in root's own: for the time of the dump the account owns it, and may read its way to it. */
async function fill(folder: string, { client, context, ...request }: DirectoryDump): Promise<void> {
  const { account } = client.connection;
  const owner = account === undefined ? undefined : await accountOf(account, context);
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  try {
    const own = owner === undefined ? client : { ...client, place: asAccountThatReads(owner) };
    const { database, options, timeoutMs } = request;
    const result = await context.runner.run(dumpToFolder(database, folder, options, own, timeoutMs));
    if (result.exitCode !== 0) throw request.failure(result);
  } finally {
    if (owner !== undefined) await giveToRoot(folder);
  }
}

async function accountOf(name: string, { runner, taskKey }: CollectorContext): Promise<Account> {
  const { exitCode, stdout } = await runner.run({ file: 'getent', args: ['passwd', name], timeoutMs: 60_000 });
  const [, , uid, gid] = stdout.split(':');
  if (exitCode === 0 && uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  throw new BackupError(`${taskKey}: there is no account ${name}`, { hint: 'Name another one by run_as:.' });
}

/** Without the right to override permissions, root itself can only remove what is its own. */
async function giveToRoot(folder: string): Promise<void> {
  await chown(folder, 0, 0);
  for (const name of await readdir(folder)) await chown(join(folder, name), 0, 0);
}
