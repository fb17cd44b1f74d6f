import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomNumbers } from '#common/testing/random-numbers.ts';

export interface DataSize {
  readonly files: number;
  /** Bytes of the SQL dump. */
  readonly dumpBytes: number;
  /** How many small files memory and time per file are compared for. */
  readonly scale: readonly [few: number, many: number];
}

export const sizes: Readonly<Record<string, DataSize>> = {
  small: { files: 4_000, dumpBytes: 20 * 1024 ** 2, scale: [1_000, 20_000] },
  full: { files: 50_000, dumpBytes: 250 * 1024 ** 2, scale: [10_000, 1_000_000] },
};

/** Files of mixed kinds in folders of 100 (texts, data, what does not compress; 200 bytes to 125 KiB, 20 KiB in the mean), and an SQL dump. */
export async function makeData(folder: string, size: DataSize): Promise<void> {
  const random = randomNumbers(1);
  for (let index = 0; index < size.files; index += 1) {
    const path = filePath(folder, index);
    if (index % 100 === 0) mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content(random, index));
    utimesSync(path, 1_700_000_000 + index, 1_700_000_000 + index);
  }
  await writeDump(folder, size, 0);
}

/** Writes one file in a hundred anew, at random, and the dump with one row in a hundred changed if asked for. */
export async function changeData(folder: string, size: DataSize, round: number, withDump: boolean): Promise<void> {
  const random = randomNumbers(1000 + round);
  for (let count = 0; count < size.files / 100; count += 1) {
    const path = filePath(folder, Math.floor(random() * size.files));
    writeFileSync(path, `${readFileSync(path, 'latin1')}changed in round ${round}\n`, 'latin1');
  }
  if (withDump) await writeDump(folder, size, round);
}

function filePath(folder: string, index: number): string {
  return join(folder, `folder-${Math.floor(index / 100)}`, `file-${index}`);
}

const words =
  'backup restore archive index member chunk folder tree snapshot service host client server lock name time'.split(' ');

function content(random: () => number, index: number): Buffer {
  const length = Math.floor(200 * 2 ** (random() * 9.3));
  if (index % 4 === 0) return noise(random, length);
  let text = '';
  while (text.length < length)
    text += `${words[Math.floor(random() * words.length)]} ${random() < 0.2 ? Math.floor(random() * 1e6) : ''}`;
  return Buffer.from(text.slice(0, length));
}

function noise(random: () => number, length: number): Buffer {
  const bytes = Buffer.alloc(length + 4);
  for (let place = 0; place < length; place += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), place);
  return bytes.subarray(0, length);
}

/** Rows of about 120 bytes; in each round another one in a hundred differs from the first dump. */
async function writeDump(folder: string, size: DataSize, round: number): Promise<void> {
  const file = createWriteStream(join(folder, 'dump.sql'));
  const random = randomNumbers(2);
  const changed = randomNumbers(3 + round);
  const rows = Math.floor(size.dumpBytes / 120);
  let part = '';
  for (let row = 0; row < rows; row += 1) {
    const name = `${words[Math.floor(random() * words.length)]}-${Math.floor(random() * 1e9)}`;
    const state = round > 0 && changed() < 0.01 ? `round${round}` : 'initial';
    part += `INSERT INTO orders VALUES (${row}, '${name}', '${state}', ${random().toFixed(12)}, '2026-01-01 00:00:00', 'no remark at all');\n`;
    if (part.length < 1 << 20) continue;
    if (!file.write(part)) await once(file, 'drain');
    part = '';
  }
  file.end(part);
  await once(file, 'finish');
}
