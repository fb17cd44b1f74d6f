import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { formatProblem } from '../config/problems.ts';
import { execaRunner } from '../process/execa-runner.ts';
import { pluginScript, shellVerbs } from '../testing/plugin-script.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import type { Collector } from './collector.ts';
import { loadPlugins } from './load-plugins.ts';

const files: Collector = {
  name: 'files',
  taskKeys: ['files'],
  phase: 'quiesced',
  schema: {},
  collect: async () => undefined,
};

const moduleFor = (key: string) =>
  `export default { name: '${key}', taskKeys: ['${key}'], phase: 'live', schema: {}, async collect() {} };`;
const executableFor = (key: string) =>
  shellVerbs({ name: key, task_keys: [key], capabilities: ['collect'] }, { collect: ':' });
const functionsFor = (key: string) =>
  `plugin_handles_task_type() { [ "$1" = ${key} ]; }\nplugin_validate_config() { :; }\nplugin_run_backup() { :; }\n`;

async function loaded(folder: string, wantedKeys: readonly string[]) {
  const found = await loadPlugins(folder, { runner: execaRunner(), builtIn: [files], wantedKeys });
  return {
    plugins: found.plugins.map(({ path, kind, collector }) => [basename(path), kind, collector?.taskKeys]),
    refused: found.refused.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, '')),
  };
}

test('plugins of each kind are loaded, shell functions for the keys that are used', async (context) => {
  const folder = await tempFolder(context);
  await writeFile(join(folder, 'a.mjs'), moduleFor('a'));
  await pluginScript(folder, 'b', executableFor('b'));
  await pluginScript(folder, 'c.sh', functionsFor('c'));
  await pluginScript(folder, 'd.sh', functionsFor('d'));
  assert.deepEqual(await loaded(folder, ['c', 'files']), {
    plugins: [
      ['a.mjs', 'module', ['a']],
      ['b', 'executable', ['b']],
      ['c.sh', 'shell functions', ['c']],
      ['d.sh', 'shell functions', undefined],
    ],
    refused: [],
  });
});

test('a key has one owner: what is built in, then the first by name', async (context) => {
  const folder = await tempFolder(context);
  await writeFile(join(folder, 'a.mjs'), moduleFor('files'));
  await writeFile(join(folder, 'b.mjs'), moduleFor('mine'));
  await pluginScript(folder, 'c', executableFor('mine'));
  await pluginScript(folder, 'd.sh', functionsFor('mine'));
  await pluginScript(folder, 'e', executableFor('service'));
  const { plugins, refused } = await loaded(folder, ['mine', 'files']);
  assert.deepEqual(plugins, [
    ['b.mjs', 'module', ['mine']],
    ['d.sh', 'shell functions', undefined],
  ]);
  assert.deepEqual(refused, [
    'a.mjs: its key "files" is that of the built-in collector files',
    'c: its key "mine" is that of b.mjs',
    'e: its key "service" is that of the service itself',
  ]);
});

test('what cannot be loaded is refused with what to do, and the rest is loaded', async (context) => {
  const folder = await tempFolder(context);
  await pluginScript(folder, 'broken', '#!/bin/sh\necho no python >&2; exit 1\n');
  await pluginScript(folder, 'foreign', '#!/no/such/interpreter\n');
  await pluginScript(folder, 'good', executableFor('good'));
  await writeFile(join(folder, 'mistake.mjs'), 'export default { nam: 1 };');
  await pluginScript(folder, 'open', executableFor('open'));
  await chmod(join(folder, 'open'), 0o777);
  await writeFile(join(folder, 'throws.mjs'), 'throw new Error("no");');
  const { plugins, refused } = await loaded(folder, []);
  assert.deepEqual(plugins, [['good', 'executable', ['good']]]);
  assert.deepEqual(refused, [
    'broken: "broken describe" ended with exit code 1: no python',
    'foreign: foreign cannot be started: No such file or directory. Is there the program that its first line names? A file from another system may end its lines with CR LF.',
    'mistake.mjs: its name must be of small letters, digits and "_", a letter first, not undefined',
    'open: can be written by others; chmod go-w open',
    'throws.mjs: cannot be loaded: no. Look at throws.mjs:1:7.',
  ]);
});
