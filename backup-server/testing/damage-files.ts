import { chmod, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Turns the bits of one byte in each file below the folder, which must not be shorter than 21 bytes. */
export async function damageFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if ((await stat(path)).isFile()) await turnByte(path, 20);
  }
}

async function turnByte(path: string, position: number): Promise<void> {
  await chmod(path, 0o600);
  const handle = await open(path, 'r+');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, position);
  await handle.write(Buffer.from([buffer.readUInt8() ^ 0xff]), 0, 1, position);
  await handle.close();
}
