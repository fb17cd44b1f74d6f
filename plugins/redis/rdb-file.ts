import { open } from 'node:fs/promises';
import { BackupError } from '#common/errors.ts';

/** As long as the signature `REDIS0010`, and as the byte that ends the data with the checksum after it. */
const edgeBytes = 9;

/** Why bytes that begin and end like this are no whole RDB file; undefined when they are one. */
export function rdbProblem(first: Buffer, last: Buffer): string | undefined {
  if (first.length === 0) return 'is empty';
  if (!/^(REDIS|VALKEY)\d+$/.test(first.toString('latin1', 0, edgeBytes))) return 'does not begin as an RDB file does';
  if (last.length < edgeBytes || last.at(-edgeBytes) !== 0xff) return 'is cut off';
  return undefined;
}

export async function requireRdbFile(path: string, what: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const part = async (position: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(edgeBytes), 0, edgeBytes, Math.max(0, position));
      return buffer.subarray(0, bytesRead);
    };
    throwProblem(rdbProblem(await part(0), await part(size - edgeBytes)), what);
  } finally {
    await file.close();
  }
}

/** Passes a stream on, and throws a BackupError after its last byte when it was no whole RDB file. */
export async function* requireRdbStream(content: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  let [first, last] = [Buffer.alloc(0), Buffer.alloc(0)];
  for await (const part of content) {
    if (first.length < edgeBytes) first = Buffer.concat([first, part.subarray(0, edgeBytes - first.length)]);
    last = Buffer.concat([last, part.subarray(-edgeBytes)]).subarray(-edgeBytes);
    yield part;
  }
  throwProblem(rdbProblem(first, last), what);
}

function throwProblem(problem: string | undefined, what: string): void {
  if (problem === undefined) return;
  throw new BackupError(`${what} ${problem}`, {
    hint: "See the server's own log; its disk may be full, or the connection was closed (client-output-buffer-limit).",
  });
}
