import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { ProgramSpec } from '#common/cli.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { programs } from '../programs.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

const run = (file: string, ...args: string[]) => execaRunner().run({ file, args });
const missing = async (shell: string) =>
  run(shell, '--version').then(
    () => false as const,
    () => `${shell} is not installed`,
  );
const spec: ProgramSpec = {
  name: 'tiny-tool',
  version: '1.2.3',
  summary: 'Does little.',
  commands: [
    { name: 'run', summary: "does it, isn't it [all]: now", run: neverRun },
    {
      name: 'restore',
      summary: 'gets it back',
      arguments: '[PATH...]',
      options: [
        ['--to <DIR>', 'a folder'],
        ['--at <TIME>', 'a time'],
      ],
      run: neverRun,
    },
    { name: 'list', summary: 'lists it', arguments: '[ARCHIVE]', run: neverRun },
  ],
};

/** What is typed, and what is offered: all of it, or this among others. */
const cases: ReadonlyArray<readonly [typed: string, offered: readonly string[]]> = [
  ['tiny-tool re', ['restore']],
  ['tiny-tool restore --t', ['--to']],
  ['tiny-tool restore --to a-', ['a-folder/']],
  ['tiny-tool --config-dir a-', ['a-folder/']],
  ['tiny-tool list a-', ['a-file', 'a-folder/']],
  ['tiny-tool run --dr', ['--dry-run']],
  ['tiny-tool list --to', []],
  ['tiny-tool run a-', []],
];

describe('completion in bash', () => {
  for (const [typed, offered] of cases) {
    test(`${typed}: ${offered.join(', ') || 'nothing'}`, async (context) => {
      const words = typed.split(' ');
      const folder = await folderWithNames(context);
      await writeFile(join(folder, 'completion'), bashCompletion(spec));
      const script = `cd ${folder}; compopt() { :; }; . ./completion; COMP_WORDS=(${words.join(' ')})
        COMP_CWORD=${words.length - 1}; _tiny_tool; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = await run('bash', '-c', script);
      assert.equal(stderr, '');
      assert.deepEqual(lines(stdout), offered.map(withoutSlash));
    });
  }
});

describe('completion in fish', { skip: await missing('fish') }, () => {
  for (const [typed, offered] of cases) {
    test(`${typed}: ${offered.join(', ') || 'nothing'}`, async (context) => {
      const folder = await folderWithNames(context);
      await writeFile(join(folder, 'completion'), fishCompletion(spec));
      const script = `cd ${folder}; source completion; complete -C '${typed}'`;
      const { stdout, stderr } = await run('fish', '--no-config', '-c', script);
      assert.equal(stderr, '');
      assert.deepEqual(
        lines(stdout).map((line) => line.split('\t')[0]),
        offered,
      );
    });
  }
});

describe('completion in zsh', { skip: await missing('zsh') }, () => {
  for (const [typed, offered] of cases) {
    test(`${typed}: ${offered.join(', ') || 'nothing'}`, async (context) => {
      const folder = await folderWithNames(context);
      await mkdir(join(folder, 'functions'));
      await writeFile(join(folder, 'functions/_tiny-tool'), zshCompletion(spec));
      await writeFile(join(folder, 'ask'), zshAsking(typed));
      const { stdout } = await run('zsh', '-f', join(folder, 'ask'), folder);
      assert.deepEqual(lines(stdout), offered.map(withoutSlash), stdout);
    });
  }
});

describe('the completions of our programs', async () => {
  const checks = {
    bash: { skip: false as const, make: bashCompletion },
    fish: { skip: await missing('fish'), make: fishCompletion },
    zsh: { skip: await missing('zsh'), make: zshCompletion },
  };
  for (const [shell, { skip, make }] of Object.entries(checks)) {
    test(`are read by ${shell} without a complaint`, { skip }, async (context) => {
      const file = join(await tempFolder(context), 'completion');
      for (const program of programs) {
        await writeFile(file, make(program.spec));
        const { exitCode, stderr } = await run(shell, '-n', file);
        assert.deepEqual([exitCode, stderr], [0, ''], program.spec.name);
      }
    });
  }
});

async function folderWithNames(context: TestContext): Promise<string> {
  const folder = await tempFolder(context);
  await mkdir(join(folder, 'a-folder'));
  await writeFile(join(folder, 'a-file'), '');
  return folder;
}

/** A zsh that types into another one and prints what its completion would add. */
function zshAsking(typed: string): string {
  return `
zmodload zsh/zpty
zpty zsh zsh -f -i
ask() { zpty -w zsh "$1"; }
ask "cd $1; fpath=($1/functions \\$fpath); autoload -Uz compinit; compinit -u -d $1/dump; PROMPT=; unsetopt zle_bracketed_paste 2>/dev/null"
ask "compadd() { local -a found; if [[ \\\${@[1,(i)(-|--)]} == *-(O|A|D)* ]]; then builtin compadd \\"\\$@\\"; return; fi; builtin compadd -A found \\"\\$@\\"; builtin compadd \\"\\$@\\"; print -rl -- \\\${found} >>$1/offered }"
ask "complete-and-stop() { zle complete-word; print done >>$1/done }; zle -C complete-word menu-complete _main_complete; zle -N complete-and-stop; bindkey '^T' complete-and-stop"
: >$1/offered
zpty -w -n zsh $'${typed}\\C-t'
for attempt in {1..300}; do [[ -e $1/done ]] && break; sleep 0.02; zpty -r -t zsh >/dev/null; done
zpty -d zsh
sort -u $1/offered
`;
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

function withoutSlash(name: string): string {
  return name.replace(/\/$/, '');
}

function neverRun(): never {
  throw new Error('completion runs nothing');
}
