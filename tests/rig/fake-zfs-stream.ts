import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaRunner } from '#common/process/execa-runner.ts';
import type { FakeAnswer } from './fake-programs.ts';

/** The first line of a stream that is none of ZFS. Then the files come, packed, and a last line with their hash. */
export interface StreamBegin {
  readonly type: string;
  readonly guid: string;
  /** The GUID of the snapshot it begins at, `0` for a full stream. */
  readonly from: string;
  /** The snapshot's name behind the `@`. */
  readonly tag: string;
}

const tarOptions = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner', '--exclude=./.zfs'];

export async function packStream(begin: StreamBegin, folder: string): Promise<Buffer> {
  const packed = await packFolder(folder, []);
  const hash = createHash('sha256').update(packed).digest('hex');
  return Buffer.concat([
    Buffer.from(`${JSON.stringify({ ...begin, length: packed.length })}\n`),
    packed,
    Buffer.from(`END ${hash}\n`),
  ]);
}

export function unpackStream(stream: Buffer): {
  readonly begin: StreamBegin;
  readonly packed: Buffer;
  readonly end: string;
} {
  const line = stream.indexOf('\n');
  const begin: StreamBegin & { readonly length: number } = JSON.parse(stream.subarray(0, line).toString());
  const end = line + 1 + begin.length;
  return { begin, packed: stream.subarray(line + 1, end), end: stream.subarray(end).toString() };
}

/** As `zstream dump` says it, always with exit code 0. */
export function dumpStream(stream: Buffer): FakeAnswer {
  const isBegun = stream.length > 0;
  const { packed, end } = isBegun ? unpackStream(stream) : { packed: stream, end: '' };
  const isEnded = end !== '';
  const isGood = isEnded && end === `END ${createHash('sha256').update(packed).digest('hex')}\n`;
  const total = (what: string, count: number) => `\tTotal ${what} = ${count} (0 bytes)\n`;
  const counts = [total('DRR_BEGIN records', Number(isBegun)), total('DRR_END records', Number(isGood))];
  return {
    stdout: ['SUMMARY:\n', ...counts, total('stream length', stream.length)].join(''),
    stderr: isEnded && !isGood ? 'Incorrect checksum in record header.\n' : '',
  };
}

/** What is mounted below a folder is an empty folder in its copy. */
export async function copyFolder(from: string, to: string, mountedBelow: readonly string[]): Promise<void> {
  await unpackFolder(await packFolder(from, mountedBelow), to);
}

/** Over what is there. */
export async function unpackFolder(packed: Buffer, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) if (name !== '.zfs') await rm(join(folder, name), { recursive: true });
  await tar(['--extract', '--preserve-permissions', '--file=-', `--directory=${folder}`], packed);
}

async function packFolder(folder: string, mountedBelow: readonly string[]): Promise<Buffer> {
  const below = mountedBelow.filter((path) => path.startsWith(`${folder}/`));
  const excludes = below.map((path) => `--exclude=.${path.slice(folder.length)}/*`);
  const home = await mkdtemp(join(tmpdir(), 'fake-zfs-'));
  try {
    await tar(['--create', `--file=${home}/packed`, `--directory=${folder}`, ...excludes, '.']);
    return await readFile(join(home, 'packed'));
  } finally {
    await rm(home, { recursive: true });
  }
}

async function tar(args: readonly string[], input?: Buffer): Promise<void> {
  const command = { file: 'tar', args: [...tarOptions, ...args] };
  const { exitCode, stderr } = await execaRunner().run(input === undefined ? command : { ...command, input });
  if (exitCode !== 0) throw new Error(`tar: ${stderr}`);
}
