import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

/** Kept between runs. */
const kept = '/var/tmp/backup-suite-tests/docker-compose-of-debian-13';

/** The path of compose's version 2, docker's plugin, from Debian 13: Debian 12 has only version 1. It runs on both. */
export async function composePlugin(): Promise<string> {
  if ((await stat(kept).catch(() => undefined)) !== undefined) return kept;
  await mkdir(join(kept, '..'), { recursive: true });
  const folder = await mkdtemp(`${kept}.`);
  try {
    const [deb = ''] = await download(folder, 'docker-compose');
    await run(folder, 'dpkg-deb', '--extract', deb, folder);
    await rename(join(folder, 'usr/libexec/docker/cli-plugins/docker-compose'), kept);
    return kept;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Downloads a package of Debian 13 with apt, checked as apt does, and with lists of its own. */
async function download(folder: string, name: string): Promise<readonly string[]> {
  const targets = await run(folder, 'apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages');
  const mirror = targets.split('\n').find((uri) => /\/debian\/*$/.test(uri)) ?? '';
  const [sources, lists] = [join(folder, 'sources.list'), join(folder, 'lists')];
  const key = 'signed-by=/usr/share/keyrings/debian-archive-keyring.gpg';
  await writeFile(sources, `deb [${key}] ${mirror} trixie main\n`);
  await mkdir(join(lists, 'partial'), { recursive: true });
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': lists,
    'Dir::Cache': join(folder, 'cache'),
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run(folder, 'apt-get', ...options, 'update');
  await run(folder, 'apt-get', ...options, 'download', name);
  return (await readdir(folder)).filter((file) => file.endsWith('.deb')).map((file) => join(folder, file));
}

async function run(cwd: string, file: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execaRunner().run({ file, args, cwd, timeoutMs: 120_000 });
  if (exitCode !== 0) throw new BackupError(`${file} failed: ${stderr.slice(-500)}`);
  return stdout;
}
