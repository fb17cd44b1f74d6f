import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Everything that the rig downloads and makes; PACKAGES_RIG moves it. Downloads and roots stay for the next time. */
const folder = process.env.PACKAGES_RIG ?? '/var/tmp/backup-suite-packages';

/** A path in the rig's folder; the folder above it is there afterwards. */
export async function placeFor(...names: string[]): Promise<string> {
  const path = join(folder, ...names);
  await mkdir(dirname(path), { recursive: true });
  return path;
}
