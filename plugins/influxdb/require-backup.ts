import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { BackupError, hasCode } from '#common/errors.ts';
import { type Manifest, type ManifestFile, parseManifest } from './manifest.ts';

/** What a backup must hold. */
export interface Expected {
  /** The bucket or database that was asked for. */
  readonly source: string | undefined;
  /** Whether a manifest gives sizes as they are before compression, as version 1 does. */
  readonly sizesAreUnpacked: boolean;
}

/** Throws a BackupError unless a folder holds a manifest, and every file that it names in full. */
export async function requireBackup(folder: string, { source, sizesAreUnpacked }: Expected): Promise<void> {
  const { files, sources } = await manifestIn(folder);
  if (source !== undefined && !sources.includes(source)) throw notWhole(`holds nothing of ${source}`, sourceHint);
  if (source === undefined && sources.length === 0) throw notWhole('holds no bucket and no database', sourceHint);
  for (const file of files) await requireFile(join(folder, file.fileName), file, sizesAreUnpacked);
}

async function manifestIn(folder: string): Promise<Manifest> {
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) throw notWhole('is empty', 'The program ended well all the same; is it the one you expect?');
  const name = names.find((each) => each.endsWith('.manifest'));
  if (name === undefined) throw notWhole('has no manifest', 'It was broken off before its end.');
  const manifest = parseManifest(await readFile(join(folder, name), 'utf8'));
  if (manifest === undefined) throw notWhole(`has a manifest that cannot be read: ${name}`, 'It was cut off.');
  return manifest;
}

async function requireFile(path: string, { fileName, size }: ManifestFile, sizesAreUnpacked: boolean): Promise<void> {
  try {
    const isCounted = sizesAreUnpacked && fileName.endsWith('.gz');
    const found = isCounted ? await unpackedSize(path) : (await stat(path)).size;
    // version 1 writes a few bytes of its own around the metadata
    const isWhole = size === undefined || (sizesAreUnpacked && !isCounted ? found >= size : found === size);
    if (!isWhole) throw notWhole(`is cut off: ${fileName} has ${found} bytes of ${size}`, fullDisk);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) throw notWhole(`lacks ${fileName}, which its manifest names`, fullDisk);
    if (hasCode(cause, 'Z_BUF_ERROR') || hasCode(cause, 'Z_DATA_ERROR'))
      throw notWhole(`is damaged: ${fileName}`, fullDisk);
    throw cause;
  }
}

async function unpackedSize(path: string): Promise<number> {
  let size = 0;
  const count = new Writable({
    write(part: Buffer, _encoding, done) {
      size += part.length;
      done();
    },
  });
  await pipeline(createReadStream(path), createGunzip(), count);
  return size;
}

const fullDisk = "Is the drop folder's disk full? See also the log of the server.";
const sourceHint =
  'Compare the names with "influx bucket list" (version 2) or SHOW DATABASES (version 1); a token must be one that may read everything.';

function notWhole(problem: string, hint: string): BackupError {
  return new BackupError(`influxdb: the backup ${problem}`, { hint });
}
