import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { launcher } from './launcher.ts';

test('a launcher loads the bundle beside it', async (context) => {
  const { exitCode, stdout } = await launch(context, launcher('tool'));
  assert.deepEqual([exitCode, stdout], [0, 'loaded\n']);
});

test('with a Node that is too old it loads nothing, and names it and what is needed', async (context) => {
  const { exitCode, stdout, stderr } = await launch(context, launcher('tool', [999, 1]));
  assert.deepEqual([exitCode, stdout], [2, '']);
  assert.match(stderr, /^tool: \/.*node.* is Node \d+\.\d+\.\d+, and 999\.1 or newer is needed\n {2}→ /);
});

test('the minor version counts in the same major one', async (context) => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  assert.equal((await launch(context, launcher('tool', [major, minor]))).exitCode, 0);
  assert.equal((await launch(context, launcher('tool', [major, minor + 1]))).exitCode, 2);
  assert.equal((await launch(context, launcher('tool', [major - 1, minor + 1]))).exitCode, 0);
});

test('called by its name it has few arenas, and what it starts knows nothing of that', async (context) => {
  const tool = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    const had = readFileSync('/proc/self/environ', 'latin1');
    const passedOn = execFileSync('env', { encoding: 'latin1' });
    console.log(had.includes('MALLOC_ARENA_MAX=2'), passedOn.includes('MALLOC_ARENA_MAX'));`;
  const program = await programOf(context, launcher('tool'), tool);
  assert.equal((await execaRunner().run({ file: program, args: [] })).stdout, 'true false\n');
});

async function launch(context: TestContext, text: string) {
  const program = await programOf(context, text, "console.log('loaded');");
  return execaRunner().run({ file: process.execPath, args: [program] });
}

async function programOf(context: TestContext, text: string, bundle: string): Promise<string> {
  const folder = await tempFolder(context);
  for (const name of ['bin', 'lib']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'lib/tool.js'), bundle);
  const program = join(folder, 'bin/tool');
  await writeFile(program, text, { mode: 0o755 });
  return program;
}
