import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { dumpStream, readAlsoBy } from './dump-stream.ts';

const runner = execaRunner();
const sh = (script: string): Command => ({ file: 'sh', args: ['-c', script] });
const check = { what: 'the dump', trailer: '-- done', failure: () => new BackupError('the program failed') };

async function wholeOf(content: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('the stream of a dump', () => {
  test('is what the program writes, when its trailer is near the end', async () => {
    const written = await wholeOf(
      dumpStream(runner, sh('head -c 300000 /dev/zero; echo; echo "-- done"; echo'), check),
    );
    assert.equal(written.length, 300_000 + '\n-- done\n\n'.length);
  });

  for (const [title, script, message] of [
    ['a trailer that is only at the beginning', 'echo "-- done"; head -c 3000 /dev/zero', /^the dump is cut off/],
    ['no trailer', 'echo "-- don"', /^the dump is cut off: it has no "-- done"$/],
    ['no output', 'true', /^the dump is empty$/],
    ['an exit code', 'echo "-- done"; exit 3', /^the program failed$/],
  ] as const) {
    test(`fails after its last byte on ${title}`, async () => {
      await assert.rejects(wholeOf(dumpStream(runner, sh(script), check)), { name: 'BackupError', message });
    });
  }
});

describe('a stream that a program reads too', () => {
  const parts = Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024, 'x'));
  async function* content(): AsyncGenerator<Buffer> {
    yield* parts;
  }
  const readBy = (script: string, source = content()) =>
    wholeOf(readAlsoBy(runner, sh(script), source, (result) => new BackupError(`not content: ${result.stderr}`)));

  test('is passed on whole, and the program gets all of it', async () => {
    assert.equal((await readBy(`[ "$(wc -c)" = ${40 * 64 * 1024} ]`)).length, 40 * 64 * 1024);
  });

  test('fails when the program is not content, also when it stops reading early', async () => {
    await assert.rejects(readBy('wc -c >&2; exit 1'), { message: `not content: ${40 * 64 * 1024}\n` });
    await assert.rejects(readBy('echo early >&2; exit 1'), { message: 'not content: early\n' });
  });

  test('fails with its own failure first', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('half');
      throw new BackupError('the source broke');
    }
    await assert.rejects(readBy('wc -c; exit 1', broken()), { message: 'the source broke' });
  });
});
