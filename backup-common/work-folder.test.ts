import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from './testing/temp-folder.ts';
import { withWorkFolder } from './work-folder.ts';

test('the folder is private, its own for each call, and gone afterwards with all that is in it', async (t) => {
  const parent = join(await tempFolder(t), 'made', 'when missing');
  const result = await withWorkFolder(parent, (first) =>
    withWorkFolder(parent, async (second) => {
      assert.notEqual(first, second);
      assert.equal((await stat(first)).mode & 0o777, 0o700);
      await mkdir(join(first, 'a', 'b'), { recursive: true });
      await writeFile(join(first, 'a', 'b', 'file'), 'x');
      await chmod(join(first, 'a'), 0);
      return 'done';
    }),
  );
  assert.equal(result, 'done');
  assert.deepEqual(await readdir(parent), []);
});

test('it is removed when the work fails, and the failure comes through', async (t) => {
  const parent = await tempFolder(t);
  await assert.rejects(
    withWorkFolder(parent, () => Promise.reject(new Error('no luck'))),
    /^Error: no luck$/,
  );
  assert.deepEqual(await readdir(parent), []);
});
