import { createHash } from 'node:crypto';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

/**
 * Unpacks a small Debian 13 with these packages into a folder; their installation sees the variables of `env`. It is made
 * once, and kept packed between runs.
 */
export async function debian13Root(
  root: string,
  packages: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const hash = createHash('sha256')
    .update(JSON.stringify([packages, env]))
    .digest('hex')
    .slice(0, 12);
  const packed = `/var/tmp/backup-suite-tests/debian13-${hash}.tar`;
  if ((await stat(packed).catch(() => undefined)) === undefined) {
    await mkdir(dirname(packed), { recursive: true });
    await bootstrap(`${packed}.partial.tar`, packages, env);
    await rename(`${packed}.partial.tar`, packed);
  }
  await mkdir(root, { recursive: true });
  await run('tar', ['-x', '-f', packed, '-C', root, '--exclude=./dev/*']);
}

async function bootstrap(
  target: string,
  packages: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
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
  ];
  const source = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} trixie main contrib`;
  await run('mmdebstrap', [...options, 'trixie', target, source], env);
}

async function run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await execaRunner().run({ file, args, env });
  if (exitCode !== 0) throw new BackupError(`${file} failed: ${stderr.slice(-500)}`);
  return stdout;
}
