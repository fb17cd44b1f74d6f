import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';

/**
 * Runs every `*.test.ts` (with `--slow` every `*.slow-test.ts`), or those whose path holds one of the words on the
 * command line. Node's own runner is given the files one by one: with a pattern it can find none and pass.
 */
const isSlow = process.argv.includes('--slow');
const words = process.argv.slice(2).filter((word) => word !== '--slow');
const folders = ['backup-common', 'backup-client', 'backup-server', 'plugins', 'scripts', 'tests'];
const files = folders
  .flatMap(testsIn)
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
if (files.length === 0) {
  console.error(`no test file ${words.length === 0 ? 'at all' : `with ${words.join(' or ')} in its path`}`);
  process.exit(1);
}

await build();
const skips: string[] = [];
const counts = new Map<string, number>();
const failed = await runTests(files, skips, counts);
if (skips.length > 0)
  console.log(`\nSKIPPED, and so proven by nothing here:\n${skips.map((skip) => `  ${skip}`).join('\n')}`);
const count = (name: string) => counts.get(name) ?? 0;
console.log(`\n${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped`);
process.exit(failed || count('fail') > 0 || count('pass') === 0 ? 1 : 0);

function testsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return testsIn(path);
    return entry.name.endsWith(isSlow ? '.slow-test.ts' : '.test.ts') ? [path] : [];
  });
}

/** Tests in `tests/` drive the built programs. */
async function build(): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) process.exit(1);
}

/** True when the runner itself says that something failed. */
async function runTests(paths: readonly string[], skipped: string[], found: Map<string, number>): Promise<boolean> {
  const args = [
    '--import',
    'tsx',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${isSlow ? 1 : availableParallelism()}`,
    ...paths,
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    const summary = /^ℹ (pass|fail|skipped) (\d+)$/.exec(line);
    if (summary !== null) found.set(summary[1] ?? '', Number(summary[2]));
    if (/^\s*﹣ .*# /.test(line)) skipped.push(line.trim());
  }
  const [code] = await exited;
  return code !== 0;
}
