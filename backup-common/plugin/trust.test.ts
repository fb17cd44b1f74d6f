import assert from 'node:assert/strict';
import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../testing/temp-folder.ts';
import { trustProblem } from './trust.ts';

const isRoot = process.geteuid?.() === 0;

interface Case {
  readonly title: string;
  readonly spoil: (folder: string) => Promise<void>;
  /** The folder is DIR in it. */
  readonly message: string | undefined;
}

const cases: readonly Case[] = [
  { title: 'a file of root in folders of root may be run', spoil: async () => undefined, message: undefined },
  {
    title: 'a file that others may write may not',
    spoil: (folder) => chmod(join(folder, 'above/plugins/plugin'), 0o775),
    message: 'can be written by others; chmod go-w DIR/above/plugins/plugin',
  },
  {
    title: 'a file in a folder that others may write may not',
    spoil: (folder) => chmod(join(folder, 'above/plugins'), 0o777),
    message: 'lies in DIR/above/plugins, which can be written by others; chmod go-w DIR/above/plugins',
  },
  {
    title: 'nor one further down from it',
    spoil: (folder) => chmod(join(folder, 'above'), 0o770),
    message: 'lies in DIR/above, which can be written by others; chmod go-w DIR/above',
  },
  {
    title: 'a sticky folder is no danger to what is in it',
    spoil: (folder) => chmod(join(folder, 'above'), 0o1777),
    message: undefined,
  },
  {
    title: 'a link is as good as what it points to',
    spoil: async (folder) => {
      await mkdir(join(folder, 'elsewhere'));
      await writeFile(join(folder, 'elsewhere/plugin'), '', { mode: 0o755 });
      await chmod(join(folder, 'elsewhere'), 0o777);
      await symlink(join(folder, 'elsewhere/plugin'), join(folder, 'above/plugins/link'));
    },
    message: 'lies in DIR/elsewhere, which can be written by others; chmod go-w DIR/elsewhere',
  },
];

for (const { title, spoil, message } of cases) {
  test(title, async (context) => {
    const folder = await tempFolder(context);
    const path = await makePlugin(folder);
    await spoil(folder);
    const name = title.includes('link') ? join(folder, 'above/plugins/link') : path;
    const problem = await trustProblem(name);
    assert.equal(problem?.message.replaceAll(folder, 'DIR'), message);
    if (problem !== undefined) assert.equal(problem.file, name);
  });
}

for (const owned of ['above/plugins/plugin', 'above']) {
  test(`what belongs to somebody else may not be run: ${owned}`, { skip: !isRoot && 'needs root' }, async (context) => {
    const folder = await tempFolder(context);
    const path = await makePlugin(folder);
    await chown(join(folder, owned), 65534, 65534);
    assert.match((await trustProblem(path))?.message ?? '', /belongs to user 65534.*; chown root /);
  });
}

test('a link that leads nowhere may not be run', async (context) => {
  const path = join(await tempFolder(context), 'link');
  await symlink('/nowhere/at/all', path);
  assert.deepEqual(await trustProblem(path), { file: path, message: 'does not exist' });
});

async function makePlugin(folder: string): Promise<string> {
  await mkdir(join(folder, 'above/plugins'), { recursive: true, mode: 0o755 });
  const path = join(folder, 'above/plugins/plugin');
  await writeFile(path, '', { mode: 0o755 });
  return path;
}
