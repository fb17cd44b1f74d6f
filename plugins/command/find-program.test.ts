import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { isProgram } from './find-program.ts';

test('a program is an executable file, by its path or in a folder of the search path', async (context) => {
  const folder = await tempFolder(context);
  await mkdir(join(folder, 'bin/folder'), { recursive: true });
  await writeFile(join(folder, 'bin/program'), '', { mode: 0o700 });
  await writeFile(join(folder, 'bin/text'), '', { mode: 0o600 });
  const found = (name: string, path = `/nowhere:${folder}/bin`) => isProgram(name, folder, path);

  assert.deepEqual(
    ['program', './bin/program', `${folder}/bin/program`].map((name) => found(name)),
    [true, true, true],
  );
  assert.deepEqual(
    ['text', 'folder', './program', 'gone', ''].map((name) => found(name)),
    Array(5).fill(false),
  );
  assert.equal(found('program', '/nowhere'), false);
});
