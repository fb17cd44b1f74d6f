import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const tinyProgram = fileURLToPath(new URL('./testing/tiny-program.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

test('the first command is run when none is named, with the defaults', async (t) => {
  const { code, stdout } = await runTiny(t, ['--json']);
  assert.equal(code, 0);
  const expected = { args: [], options: {}, configDir: '/etc/backup', dryRun: false, quiet: false };
  assert.deepEqual(JSON.parse(stdout), expected);
});

test('options common to all commands are understood before and after the command', async (t) => {
  const { stdout } = await runTiny(t, ['--json', '-q', 'show', '--deep', '-d', '--config-dir', '/tmp/etc']);
  const expected = { args: [], options: { deep: true }, configDir: '/tmp/etc', dryRun: true, quiet: true };
  assert.deepEqual(JSON.parse(stdout), expected);
});

test('arguments reach the command, and after -- also those that look like options', async (t) => {
  const { code, stdout } = await runTiny(t, ['echo', 'a', '--', '--b']);
  assert.deepEqual([code, stdout], [0, 'shown a --b\n']);
});

const mistakes: ReadonlyArray<readonly [args: readonly string[], said: RegExp]> = [
  [['shwo'], /there is no command "shwo"\n.*Did you mean "show"\?/],
  [['--json', 'shwo'], /there is no command "shwo"\n.*Did you mean "show"\?/],
  [['--config-dir', 'echo', 'shwo'], /there is no command "shwo"\n.*Did you mean "show"\?/],
  [['completely-else'], /there is no command "completely-else"\n.*See tiny --help\./],
  [['show', 'me'], /too many arguments/],
  [['--dep'], /unknown option '--dep'\n\(Did you mean --deep\?\)/],
  [['show', '--jsno'], /unknown option '--jsno'\n\(Did you mean --json\?\)/],
  [['echo'], /missing required argument 'WORD'/],
  [['--config-dir'], /argument missing/],
];
for (const [args, said] of mistakes) {
  test(`tiny ${args.join(' ')}: exit code 2, the mistake named, nothing run`, async (t) => {
    const { code, stdout, stderr } = await runTiny(t, args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, said);
  });
}

test('an expected failure is told with its causes and its hint, without a stack and without a password', async (t) => {
  const { code, stdout, stderr } = await runTiny(t, ['fail']);
  assert.deepEqual([code, stdout], [75, '']);
  assert.equal(
    stderr,
    'tiny: nothing was fetched\n  because the link broke\n  because https://u:***@host said no\n  → Ask again.\n',
  );
});

test('a result that is a failure is printed and sets the exit code', async (t) => {
  const { code, stdout, stderr } = await runTiny(t, ['partly']);
  assert.deepEqual([code, stdout, stderr], [1, 'one failed\n', '']);
});

for (const command of ['bug', 'late-bug']) {
  test(`${command}: exit code 70 and the stack`, async (t) => {
    const { code, stdout, stderr } = await runTiny(t, [command]);
    assert.deepEqual([code, stdout], [70, '']);
    assert.match(stderr, /^tiny: a bug in this program, please report it:\nTypeError: .*\n {4}at .*tiny-program/);
  });
}

for (const [signal, expected] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const) {
  test(`${signal} ends the run with ${expected} after the command has cleaned up`, async (t) => {
    const child = startTiny(t, ['wait']);
    const ended = endOf(child);
    await said(child, 'waiting');
    child.kill(signal);
    const { code, stdout } = await ended;
    assert.deepEqual([code, stdout], [expected, 'waiting\ncleaned up\n']);
  });
}

test('the third signal ends a program that does not listen', async (t) => {
  const child = startTiny(t, ['stubborn']);
  const ended = endOf(child);
  await said(child, 'waiting');
  child.kill('SIGTERM');
  await said(child, 'heard');
  child.kill('SIGINT');
  child.kill('SIGTERM');
  child.kill('SIGHUP');
  assert.equal((await ended).code, 143);
});

test('a long text arrives whole through a pipe that is read late', async (t) => {
  const child = startTiny(t, ['long']);
  child.stdout?.pause();
  await once(child.stdout ?? child, 'readable');
  const { code, stdout } = await endOf(child);
  assert.deepEqual([code, stdout.length], [0, 5_000_001]);
});

for (const args of [['long'], ['--help']]) {
  test(`a reader that goes away is no error of ours: ${args[0]}`, async (t) => {
    const child = startTiny(t, args);
    child.stdout?.destroy();
    const { code, stderr } = await endOf(child);
    assert.deepEqual([code, stderr], [0, '']);
  });
}

test('what is still open does not keep a program that is done and has printed all', async (t) => {
  const { code, stdout } = await runTiny(t, ['clinging']);
  assert.deepEqual([code, stdout.length], [1, 5_000_001]);
});

test('--quiet prints nothing when all went well, and logs errors only', async (t) => {
  const { code, stdout, stderr } = await runTiny(t, ['--quiet']);
  assert.deepEqual([code, stdout], [0, '']);
  assert.deepEqual(messagesIn(stderr), ['an error line']);
});

test('--quiet prints a failure', async (t) => {
  const { code, stdout } = await runTiny(t, ['partly', '-q']);
  assert.deepEqual([code, stdout], [1, 'one failed\n']);
});

test('the log has the level of the configuration, and all of it with --verbose', async (t) => {
  const atLevel2 = ['an info line', 'a warning', 'an error line'];
  assert.deepEqual(messagesIn((await runTiny(t, [])).stderr), atLevel2);
  assert.deepEqual(messagesIn((await runTiny(t, ['-v'])).stderr), ['a debug line', ...atLevel2]);
});

test('--help names commands, common options and exit codes; that of a command its examples', async (t) => {
  const general = await runTiny(t, ['--help']);
  assert.deepEqual([general.code, general.stderr], [0, '']);
  for (const word of ['Usage: tiny', 'show', 'echo', '--dry-run', '--config-dir <DIR>', '75 already running'])
    assert.ok(general.stdout.includes(word), word);
  const { code, stdout } = await runTiny(t, ['echo', '-h']);
  assert.equal(code, 0);
  for (const word of ['Usage: tiny echo', '<WORD> [WORD...]', 'tiny echo hello', '--dry-run'])
    assert.ok(stdout.includes(word), word);
});

test('-V prints name and version', async (t) => {
  const { code, stdout } = await runTiny(t, ['-V']);
  assert.deepEqual([code, stdout], [0, 'tiny Version 1.2.3\n']);
});

function runTiny(t: TestContext, args: readonly string[]): Promise<Ended> {
  return endOf(startTiny(t, args));
}

function startTiny(t: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', tinyProgram, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  const [code] = await once(child, 'close');
  return { code, ...texts };
}

/** Waits until the program has printed that word. */
function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (text: string) => {
      if (!text.includes(word)) return;
      child.stdout?.off('data', look);
      resolve();
    };
    child.stdout?.on('data', look);
  });
}

function messagesIn(log: string): string[] {
  return log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).message);
}
