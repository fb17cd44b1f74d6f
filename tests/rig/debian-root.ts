import { createHash } from 'node:crypto';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

/** A release of Debian, as mmdebstrap takes it. */
interface Release {
  readonly name: string;
  readonly components: string;
  readonly options: readonly string[];
}

const debian13: Release = { name: 'trixie', components: 'main contrib', options: [] };

/** A mirror may be behind. */
export const unstable: Release = {
  name: 'sid',
  components: 'main',
  options: ['--aptopt=Acquire::Check-Valid-Until "false"'],
};

interface Root {
  readonly release: Release;
  readonly packages: readonly string[];
  /** Variables that the installation of the packages sees. */
  readonly env?: Readonly<Record<string, string>>;
}

export function debian13Root(root: string, packages: readonly string[], env: Root['env'] = {}): Promise<void> {
  return debianRoot(root, { release: debian13, packages, env });
}

/** Unpacks a small Debian with these packages into a folder. It is made once, and kept packed between runs. */
export async function debianRoot(root: string, made: Root): Promise<void> {
  const hash = createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 12);
  const packed = `/var/tmp/backup-suite-tests/debian-${made.release.name}-${hash}.tar`;
  if ((await stat(packed).catch(() => undefined)) === undefined) {
    await mkdir(dirname(packed), { recursive: true });
    await bootstrap(`${packed}.partial.tar`, made);
    await rename(`${packed}.partial.tar`, packed);
  }
  await mkdir(root, { recursive: true });
  await run('tar', ['-x', '-f', packed, '-C', root, '--exclude=./dev/*']);
}

async function bootstrap(target: string, { release, packages, env = {} }: Root): Promise<void> {
  const targets = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const mirror = targets.split('\n').find((uri) => /\/debian\/*$/.test(uri)) ?? '';
  const options = [
    '--quiet',
    '--mode=root',
    '--variant=essential',
    `--include=${packages.join()}`,
    '--aptopt=Apt::Install-Recommends "false"',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=force-unsafe-io',
    ...release.options,
  ];
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  const source = `deb ${signed} ${mirror} ${release.name} ${release.components}`;
  await run('mmdebstrap', [...options, release.name, target, source], env);
}

async function run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await execaRunner().run({ file, args, env });
  if (exitCode !== 0) throw new BackupError(`${file} failed: ${stderr.slice(-500)}`);
  return stdout;
}
