import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestSshd } from '#common/testing/sshd.ts';
import type { Fleet } from '../tests/rig/fleet.ts';
import { run } from './measure.ts';

/** `tar | <packer>` of a folder: seconds, and bytes of what came of it. */
export async function pack(fleet: Fleet, folder: string, packer: string): Promise<{ seconds: number; bytes: number }> {
  const file = join(fleet.folder, 'plain.tar.gz');
  const script = `tar -C "$1" -c . | ${packer} >"$2"`;
  const { seconds } = await run({ file: 'sh', args: ['-c', script, 'sh', folder, file] });
  const { size } = await stat(file);
  await rm(file);
  return { seconds, bytes: size };
}

/** `rsync` pulls a folder over SSH: seconds, and bytes it received. */
export async function pull(
  shell: TestSshd,
  folder: string,
  target: string,
): Promise<{ seconds: number; received: number }> {
  const options = ['-aHAX', '--numeric-ids', '--delete', '--stats', '-e', sshCommand(shell).join(' ')];
  const { seconds, stdout } = await run({
    file: 'rsync',
    args: [...options, `${shell.user}@${shell.address}:${folder}/`, `${target}/`],
  });
  const received = /Total bytes received: ([\d,]+)/.exec(stdout)?.[1]?.replaceAll(',', '');
  return { seconds, received: Number(received) };
}

/** Where restic keeps a repository: a folder, or the same through SFTP. */
export interface Repository {
  readonly name: string;
  readonly over?: TestSshd;
}

/** Seconds that `restic backup` takes. The repository is made when it is not there yet. */
export async function store(fleet: Fleet, { name, over }: Repository, folder: string): Promise<number> {
  const path = join(fleet.repositories, name);
  const env = {
    RESTIC_REPOSITORY: over === undefined ? path : `sftp:${over.user}@${over.address}:${path}`,
    RESTIC_PASSWORD_FILE: join(fleet.folder, 'server', 'password'),
    RESTIC_CACHE_DIR: join(fleet.folder, 'cache'),
  };
  const command =
    over === undefined ? [] : ['-o', `sftp.command=${[...sshCommand(over), loginOf(over), '-s sftp'].join(' ')}`];
  const isNew = (await stat(path).catch(() => undefined)) === undefined;
  if (isNew) await run({ file: 'restic', args: [...command, 'init'], env });
  return (await run({ file: 'restic', args: [...command, 'backup', '--quiet', folder], env })).seconds;
}

function sshCommand({ keyFile, port, knownHostsFile }: TestSshd): string[] {
  const options = ['-F', '/dev/null', '-o', `UserKnownHostsFile=${knownHostsFile}`, '-o', 'BatchMode=yes'];
  return ['ssh', ...options, '-i', keyFile, '-p', `${port}`];
}

function loginOf({ user, address }: TestSshd): string {
  return `${user}@${address}`;
}
