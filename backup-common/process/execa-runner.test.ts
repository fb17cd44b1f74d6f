import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { BackupError } from '../errors.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import type { Command } from './command.ts';
import { execaRunner } from './execa-runner.ts';

const runner = execaRunner();
const sh = (script: string, more: Partial<Command> = {}): Command => ({ file: 'sh', args: ['-c', script], ...more });
const tenMegabytes = 10 * 1024 * 1024;

/** Both ways to run a program, for what must be the same with both. */
const ways = {
  run: (command: Command, signal?: AbortSignal) => execaRunner(signal).run(command),
  start: (command: Command, signal?: AbortSignal) => {
    const program = execaRunner(signal).start(command);
    program.stdin.on('error', () => undefined).end();
    program.stdout.resume();
    return program.done;
  },
};

test('a result has exit code, both outputs as they are, and a duration', async () => {
  const { durationMs, ...result } = await runner.run(sh('echo out; echo err >&2; exit 3'));
  const expected = { exitCode: 3, signal: undefined, timedOut: false, stdout: 'out\n', stderr: 'err\n' };
  assert.deepEqual(result, expected);
  assert.ok(Number.isInteger(durationMs) && durationMs >= 0);
});

test('arguments are not read by a shell', async () => {
  const args = ['%s\\n', '$HOME; echo', "it's", '*', '', 'two\nlines'];
  const { stdout } = await runner.run({ file: 'printf', args });
  assert.equal(stdout, args.slice(1).join('\n').concat('\n'));
});

test('messages are in English, and variables are added to our own', async () => {
  const { stdout } = await runner.run(sh('echo "$LC_ALL $TOKEN $PATH"', { env: { TOKEN: 'x' } }));
  assert.equal(stdout, `C x ${process.env.PATH}\n`);
});

test('a program runs in the folder it is given', async (t) => {
  const cwd = await tempFolder(t);
  assert.equal((await runner.run({ file: 'pwd', args: [], cwd })).stdout, `${cwd}\n`);
});

test('input arrives byte by byte, and without it standard input is empty', async () => {
  const input = Buffer.from([0, 10, 13, 255, 254]);
  assert.equal((await runner.run(sh('od -An -tx1', { input }))).stdout, ' 00 0a 0d ff fe\n');
  assert.equal((await runner.run(sh('wc -c'))).stdout, '0\n');
});

test('ten megabytes of output arrive whole', async () => {
  const { stdout } = await runner.run(sh(`head -c ${tenMegabytes} /dev/zero | tr '\\0' x`));
  assert.equal(stdout.length, tenMegabytes);
});

test('ten megabytes go through a started program and come back whole, however slow the reader', async () => {
  const program = runner.start({ file: 'cat', args: [] });
  const chunk = Buffer.alloc(64 * 1024, 'abc');
  const writing = pipeline(
    (function* () {
      for (let sent = 0; sent < tenMegabytes; sent += chunk.length) yield chunk;
    })(),
    program.stdin,
  );
  const received = createHash('sha256');
  for await (const part of program.stdout) {
    received.update(part);
    await new Promise(setImmediate);
  }
  await writing;
  const expected = createHash('sha256');
  for (let sent = 0; sent < tenMegabytes; sent += chunk.length) expected.update(chunk);
  assert.equal(received.digest('hex'), expected.digest('hex'));
  assert.equal((await program.done).exitCode, 0);
});

test('of the errors of a started program the last 64 KiB are kept', async () => {
  const program = runner.start(sh('head -c 100000 /dev/zero | tr "\\0" x >&2; echo the end >&2; exit 1'));
  program.stdout.resume();
  const { exitCode, stdout, stderr } = await program.done;
  assert.deepEqual([exitCode, stdout, stderr.length], [1, '', 64 * 1024]);
  assert.ok(stderr.endsWith('xthe end\n'));
});

test('a program that takes no input is not failed by it', async () => {
  const input = Buffer.alloc(tenMegabytes);
  const result = await runner.run(sh('exec 0<&-; echo enough; exit 0', { input }));
  assert.deepEqual([result.exitCode, result.stdout], [0, 'enough\n']);
});

test('who writes to a started program that takes no more gets the error, and the program its exit code', async () => {
  const program = runner.start(sh('exec 0<&-; exit 4'));
  program.stdout.resume();
  const writing = pipeline([Buffer.alloc(tenMegabytes)], program.stdin);
  await assert.rejects(writing, (error: NodeJS.ErrnoException) =>
    /EPIPE|PREMATURE_CLOSE|ECONNRESET/.test(error.code ?? ''),
  );
  assert.equal((await program.done).exitCode, 4);
});

test('a started program can be stopped though nobody reads what it says', { timeout: 10_000 }, async () => {
  const program = runner.start({ file: 'yes', args: [] });
  await once(program.stdout, 'readable');
  program.stop();
  const { exitCode, signal } = await program.done;
  assert.deepEqual([exitCode, signal], [undefined, 'SIGTERM']);
});

test('a reader that turns away does not keep a stopped program waiting', { timeout: 10_000 }, async () => {
  const program = runner.start({ file: 'yes', args: [] });
  for await (const _part of program.stdout) break;
  program.stop();
  assert.equal((await program.done).signal, 'SIGTERM');
});

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: a program that ends by a signal has no exit code`, async () => {
    const { exitCode, signal, timedOut } = await way(sh('kill -9 $$'));
    assert.deepEqual([exitCode, signal, timedOut], [undefined, 'SIGKILL', false]);
  });

  test(`${name}: a program that takes too long is ended, with all that holds its pipes`, {
    timeout: 10_000,
  }, async () => {
    const { exitCode, timedOut } = await way(sh('sleep 60 & sleep 60', { timeoutMs: 50 }));
    assert.deepEqual([exitCode, timedOut], [undefined, true]);
  });

  test(`${name}: what a program left behind with its pipes is waited for until its time is up`, {
    timeout: 10_000,
  }, async () => {
    assert.equal((await way(sh('sleep 60 & exit 0', { timeoutMs: 50 }))).timedOut, true);
  });

  test(`${name}: what a program left behind with its pipes is waited for until an abort`, {
    timeout: 10_000,
  }, async () => {
    const stop = new AbortController();
    const running = way(sh('sleep 60 & exit 0'), stop.signal);
    setTimeout(() => stop.abort(new BackupError('ended by SIGTERM')), 50);
    await running;
  });

  test(`${name}: a program that takes too long and then says that it ended well did not end well`, {
    timeout: 10_000,
  }, async () => {
    const { exitCode, signal, timedOut } = await way(sh('trap "exit 0" TERM; sleep 60 & wait', { timeoutMs: 500 }));
    assert.deepEqual([exitCode, signal, timedOut], [undefined, 'SIGTERM', true]);
  });

  test(`${name}: an abort ends the program`, { timeout: 10_000 }, async () => {
    const stop = new AbortController();
    const running = way(sh('sleep 60'), stop.signal);
    stop.abort(new BackupError('ended by SIGTERM'));
    const { exitCode, signal } = await running;
    assert.deepEqual([exitCode, signal], [undefined, 'SIGTERM']);
  });

  test(`${name}: after an abort no program is started, and the reason is the abort's own`, async () => {
    const reason = new BackupError('ended by SIGTERM');
    await assert.rejects(async () => way(sh('echo never'), AbortSignal.abort(reason)), reason);
  });

  test(`${name}: a program that is missing is an error with a hint`, async () => {
    await assert.rejects(async () => way({ file: 'no-such-program', args: [] }), {
      name: 'BackupError',
      message: 'cannot run no-such-program: no such program',
      kind: 'program-missing',
      hint: 'Install it, or set its path in the configuration (tools).',
    });
  });

  test(`${name}: a file that is no program is an error`, async (t) => {
    const file = join(await tempFolder(t), 'text');
    await writeFile(file, 'text', { mode: 0o644 });
    await assert.rejects(async () => way({ file, args: [] }), { name: 'BackupError', message: `cannot run ${file}` });
  });

  test(`${name}: a working folder that is missing is not taken for a missing program`, async (t) => {
    const cwd = join(await tempFolder(t), 'missing');
    await assert.rejects(async () => way({ file: 'true', args: [], cwd }), {
      name: 'BackupError',
      message: `cannot run true in ${cwd}: no such folder`,
    });
  });
}
