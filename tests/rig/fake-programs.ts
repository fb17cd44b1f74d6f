import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hasCode } from '#common/errors.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

export interface FakeAnswer {
  readonly exitCode?: number;
  readonly stdout?: string | Buffer;
  readonly stderr?: string;
}

/** What such a program does when it is called with arguments and all of its standard input. */
export type FakeProgram = (args: readonly string[], input: Buffer) => Promise<FakeAnswer>;

/**
 * Puts programs into `folder/bin` whose answers come from this process: they have state, can be typed, and are as quick as
 * a shell. A call is a folder with its arguments and its input; a pipe tells of it, another one that it is answered.
 */
export async function fakePrograms(
  folder: string,
  programs: Readonly<Record<string, FakeProgram>>,
): Promise<{ readonly bin: string; readonly stop: () => void }> {
  const [bin, calls] = [join(folder, 'bin'), join(folder, 'calls')];
  for (const path of [bin, calls]) await mkdir(path, { recursive: true });
  await execaRunner().run({ file: 'mkfifo', args: [join(calls, 'bell')] });
  const bell = openSync(join(calls, 'bell'), constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd: bell, readable: true, writable: false });
  socket.unref(); // who waits for a program is kept alive by that
  createInterface({ input: socket }).on('line', (line) => {
    const [program = '', call = ''] = line.split(' ');
    void answer(programs[program], call);
  });
  for (const name of Object.keys(programs)) {
    await writeFile(join(bin, name), scriptFor(name, calls), { mode: 0o755 });
  }
  return { bin, stop: () => socket.destroy() };
}

async function answer(program: FakeProgram | undefined, call: string): Promise<void> {
  const args = (await readFile(join(call, 'args'), 'utf8')).split('\0').slice(0, -1);
  const input = await readFile(join(call, 'input'));
  const { exitCode = 0, stdout = '', stderr = '' } = await answered(program, args, input);
  if (!existsSync(call)) return; // the caller was killed
  await writeFile(join(call, 'stdout'), stdout);
  await writeFile(join(call, 'stderr'), stderr);
  ring(join(call, 'done'), `${exitCode}\n`);
}

/** A caller that was killed meanwhile hears nothing. */
function ring(pipe: string, text: string): void {
  try {
    const writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(writer, text);
    closeSync(writer);
  } catch (error) {
    if (!hasCode(error, 'ENXIO') && !hasCode(error, 'ENOENT')) throw error;
  }
}

/** A fault of the fake itself is exit code 99. */
async function answered(program: FakeProgram | undefined, args: readonly string[], input: Buffer): Promise<FakeAnswer> {
  try {
    return (await program?.(args, input)) ?? {};
  } catch (error) {
    return { exitCode: 99, stderr: String(error) };
  }
}

function scriptFor(name: string, calls: string): string {
  return `#!/bin/sh
PATH=/usr/bin:/bin
call=$(mktemp -d '${calls}/XXXXXX') || exit 98
trap 'rm -rf "$call"' EXIT
mkfifo "$call/done"
exec 3<> "$call/done"
cat > "$call/input"
printf '%s\\0' "$@" > "$call/args"
echo "${name} $call" > '${calls}/bell'
read -r code <&3
cat "$call/stdout"
cat "$call/stderr" >&2
exit "$code"
`;
}
