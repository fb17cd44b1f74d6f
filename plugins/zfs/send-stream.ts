import type { Writable } from 'node:stream';
import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import type { RunningProgram } from '#common/process/runner.ts';
import { toolFailure } from '../snapshots/run-tool.ts';
import { dumpStream, zfsAdvice } from './zfs-commands.ts';
import { streamProblem } from './zfs-output.ts';

/**
 * What `zfs send` writes. `zstream dump` reads it along; after the last byte it throws when one of them failed, or when
 * the stream is not whole.
 */
export async function* sendStream(
  send: Command,
  snapshot: string,
  context: Pick<RecoveryContext, 'runner' | 'taskKey'>,
): AsyncGenerator<Buffer> {
  const sender = context.runner.start(send);
  const checker = context.runner.start(dumpStream);
  const feed = feederOf(checker.stdin);
  const said = textOf(checker);
  said.catch(() => undefined); // a failure before the end is told by itself
  let bytes = 0;
  try {
    sender.stdin.end();
    for await (const part of sender.stdout as AsyncIterable<Buffer>) {
      bytes += part.length;
      await feed(part);
      yield part;
    }
    checker.stdin.end();
    const sent = await sender.done;
    if (sent.exitCode !== 0) throw toolFailure(sent, `send ${snapshot}`, context, zfsAdvice);
    const checked = await checker.done;
    if (checked.exitCode !== 0) throw toolFailure(checked, `check the stream of ${snapshot}`, context, zfsAdvice);
    requireWhole(`${await said}${checked.stderr}`, bytes, snapshot, context);
  } finally {
    sender.stop();
    checker.stop();
  }
}

async function textOf({ stdout }: RunningProgram): Promise<string> {
  let text = '';
  for await (const part of stdout as AsyncIterable<Buffer>) text += part.toString();
  return text;
}

/** Writes as fast as the program reads. When the program has gone, its end says why. */
function feederOf(stdin: Writable): (part: Buffer) => Promise<void> {
  stdin.on('error', () => undefined);
  const closed = new Promise((resolve) => stdin.once('close', resolve));
  return async (part) => {
    if (stdin.destroyed || stdin.write(part)) return;
    await Promise.race([new Promise((resolve) => stdin.once('drain', resolve)), closed]);
  };
}

function requireWhole(
  said: string,
  bytes: number,
  snapshot: string,
  { taskKey }: Pick<RecoveryContext, 'taskKey'>,
): void {
  const problem = streamProblem(said, bytes);
  if (problem === undefined) return;
  throw new BackupError(`${taskKey}: the stream of ${snapshot} is not whole: ${problem}`, {
    hint: `Try "zfs send ${snapshot} | zstream dump" by hand; "zpool status" shows errors of the pool.`,
  });
}
