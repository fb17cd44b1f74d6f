import { join } from 'node:path';
import { BackupError } from '../errors.ts';
import type { Runner } from '../process/runner.ts';
import { escapeBytes } from './byte-path.ts';
import type { IndexEntry } from './index-entry.ts';

/** Makes the device nodes that an index has recorded; sockets are made anew by their programs. Tells how many it made. */
export async function makeDevices(root: string, entries: readonly IndexEntry[], runner: Runner): Promise<number> {
  const devices = entries.filter(({ device }) => device !== undefined);
  for (const entry of devices) {
    const [major = '0', minor = '0'] = entry.device?.split(':') ?? [];
    const path = join(root, Buffer.from(entry.path, 'latin1').toString('utf8'));
    const kind = entry.type === 'block-device' ? 'b' : 'c';
    const mode = entry.mode.toString(8);
    await run(runner, 'mknod', ['-m', mode, '--', path, kind, major, minor], entry);
    await run(runner, 'chown', ['--', `${entry.uid}:${entry.gid}`, path], entry);
  }
  return devices.length;
}

async function run(runner: Runner, file: string, args: readonly string[], entry: IndexEntry): Promise<void> {
  const { exitCode, stderr } = await runner.run({ file, args });
  if (exitCode !== 0) throw new BackupError(`the device "${escapeBytes(entry.path)}" cannot be made: ${stderr.trim()}`);
}
