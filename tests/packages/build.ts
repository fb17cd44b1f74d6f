import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { must } from './rig/commands.ts';
import { placeFor } from './rig/place.ts';

export const names = ['backup-common', 'backup-client', 'backup-server'] as const;
export type PackageName = (typeof names)[number];

/** Folders with the three packages as files. */
export interface Built {
  readonly current: string;
  /** The same programs under a version that comes before it. */
  readonly previous: string;
}

/** The file of a package, by its name. */
export async function packageFile(folder: string, name: PackageName): Promise<string> {
  const found = (await readdir(folder)).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'));
  if (found === undefined) throw new Error(`there is no ${name}_*.deb in ${folder}`);
  return join(folder, found);
}

/** Builds the packages as anybody does; they are smaller than `scripts/package.ts` allows, or it says so. */
export async function buildPackages(name: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await placeFor('packages', name);
  await must(process.execPath, ['--import', 'tsx', 'scripts/package.ts', folder], { env, timeoutMs: 1_800_000 });
  return folder;
}

/** Fails with the names of the packages that two builds have made differently. */
export async function assertSame(one: string, other: string): Promise<void> {
  for (const name of names) {
    const [first, second] = await Promise.all(
      [one, other].map(async (folder) => readFile(await packageFile(folder, name))),
    );
    assert.ok(first?.equals(second ?? Buffer.alloc(0)), `${name} is another one when it is built again`);
  }
}

/** The packages with a lower version number, which stand for the release before this one. */
export async function makePrevious(current: string): Promise<void> {
  const folder = await placeFor('packages', 'previous');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const name of names) {
    const file = await packageFile(current, name);
    const tree = join(folder, 'tree');
    await must('dpkg-deb', ['--raw-extract', file, tree]);
    const control = await readFile(join(tree, 'DEBIAN/control'), 'utf8');
    const version = /^Version: (.*)$/m.exec(control)?.[1] ?? '';
    await writeFile(join(tree, 'DEBIAN/control'), control.replaceAll(version, `${version}~previous`));
    await must('dpkg-deb', ['--root-owner-group', '--build', tree, join(folder, basename(file))]);
    await rm(tree, { recursive: true });
  }
}
