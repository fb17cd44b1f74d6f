import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError, hasCode } from '#common/errors.ts';

/** A file in the folder of the dumps. */
export interface SystemDump {
  readonly name: string;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** The dumps that lie in a folder; none where the folder is not there yet. */
export async function dumpsIn(folder: string): Promise<readonly SystemDump[]> {
  const dumps: SystemDump[] = [];
  for (const name of await namesIn(folder)) {
    if (!/\.tar\.(gz|bz2)$/.test(name)) continue;
    const found = await stat(join(folder, name), { bigint: true });
    if (found.isFile()) dumps.push({ name, size: found.size, mtimeNs: found.mtimeNs });
  }
  return dumps;
}

/** The newest of those that were not there before, or that have been written anew. */
export function newestOf(after: readonly SystemDump[], before: readonly SystemDump[]): SystemDump | undefined {
  const isOld = (dump: SystemDump) =>
    before.some(({ name, size, mtimeNs }) => name === dump.name && size === dump.size && mtimeNs === dump.mtimeNs);
  return after
    .filter((dump) => !isOld(dump))
    .reduce<SystemDump | undefined>(
      (newest, dump) => (newest && newest.mtimeNs >= dump.mtimeNs ? newest : dump),
      undefined,
    );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return [];
    throw new BackupError(`univention: cannot look into ${folder}`, {
      cause,
      hint: 'dump_folder is where univention-backup leaves its dumps.',
    });
  }
}
