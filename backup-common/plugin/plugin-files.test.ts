import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../testing/temp-folder.ts';
import { findPluginFiles } from './plugin-files.ts';

test('a folder that is not there, or empty, has no plugins', async (context) => {
  const folder = await tempFolder(context);
  const none = { files: [], refused: [] };
  assert.deepEqual(await findPluginFiles(join(folder, 'missing')), none);
  assert.deepEqual(await findPluginFiles(folder), none);
});

test('a plugin folder that is none is told', async (context) => {
  const file = join(await tempFolder(context), 'file');
  await writeFile(file, '');
  const message = `cannot be read: ENOTDIR: not a directory, scandir '${file}'`;
  assert.deepEqual(await findPluginFiles(file), { files: [], refused: [{ file, message }] });
});

test('a plugin is known by its name, its rights, and what it defines', async (context) => {
  const folder = await tempFolder(context);
  const write = (name: string, text: string, mode: number) => writeFile(join(folder, name), text, { mode });
  await write('a.mjs', '', 0o644);
  await write('b', '#!/usr/bin/env python3\n', 0o755);
  await write('c.sh', '#!/bin/sh\necho plugin_handles_task_type\n', 0o755);
  await write('d.sh', '#!/bin/bash\nplugin_handles_task_type() { [ "$1" = d ]; }\n', 0o755);
  await write('e.sh', '#!/bin/bash\n  function plugin_handles_task_type {\n echo e; }\n', 0o755);
  await write('common_functions.sh', '#!/bin/bash\n', 0o755);
  await write('.hidden', '#!/bin/sh\n', 0o755);
  await write('b~', '#!/bin/sh\n', 0o755);
  await write('notes.txt', 'not a plugin', 0o644);
  await mkdir(join(folder, 'library'));
  const { files, refused } = await findPluginFiles(folder);
  assert.deepEqual(
    files.map(({ path, kind }) => [basename(path), kind]),
    [
      ['a.mjs', 'module'],
      ['b', 'executable'],
      ['c.sh', 'executable'],
      ['d.sh', 'shell functions'],
      ['e.sh', 'shell functions'],
    ],
  );
  assert.deepEqual(refused, []);
});

test('what cannot be trusted or was forgotten to be made executable is refused, the rest is not', async (context) => {
  const folder = await tempFolder(context);
  const path = (name: string) => join(folder, name);
  await writeFile(path('forgotten.py'), '#!/usr/bin/env python3\n', { mode: 0o644 });
  await writeFile(path('good'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(path('open'), '#!/bin/sh\n');
  await chmod(path('open'), 0o777);
  await symlink('/nowhere', path('nowhere'));
  const { files, refused } = await findPluginFiles(folder);
  assert.deepEqual(files, [{ path: path('good'), kind: 'executable' }]);
  assert.deepEqual(refused, [
    {
      file: path('forgotten.py'),
      message: `is a script and not executable; chmod +x ${path('forgotten.py')}, or move it away`,
    },
    { file: path('nowhere'), message: 'does not exist' },
    { file: path('open'), message: `can be written by others; chmod go-w ${path('open')}` },
  ]);
});
