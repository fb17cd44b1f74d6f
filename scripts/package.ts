import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Builds the Debian packages of what is committed, in a clone outside of this folder, and puts them into `packages` or the
 * folder that is named. DEB_BUILD_OPTIONS=nocheck leaves the checks out.
 */
const target = process.argv[2] ?? 'packages';
const maximumBytes = 3 * 1024 ** 2;

const folder = await mkdtemp(join(tmpdir(), 'backup-suite-build-'));
try {
  const source = join(folder, 'source');
  run('git', ['clone', '--quiet', '.', source]);
  // Without the check of build dependencies: set-up.mjs has them, and Node need not be from a package.
  run('dpkg-buildpackage', ['-us', '-uc', '-b', '-d'], source);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  for (const name of (await readdir(folder)).filter((name) => /\.(deb|changes|buildinfo)$/.test(name)))
    await copyFile(join(folder, name), join(target, name));
} finally {
  await rm(folder, { recursive: true, force: true });
}

for (const name of (await readdir(target)).filter((name) => name.endsWith('.deb'))) {
  const { size } = await stat(join(target, name));
  console.log(`${join(target, name)}: ${Math.ceil(size / 1024)} KiB`);
  if (size > maximumBytes) throw new Error(`${name} is larger than ${maximumBytes / 1024 ** 2} MiB`);
}

function run(file: string, args: readonly string[], cwd = '.'): void {
  const { status, error } = spawnSync(file, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${file} ${args[0]} failed`, { cause: error });
}
