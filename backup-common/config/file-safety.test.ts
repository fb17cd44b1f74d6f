import assert from 'node:assert/strict';
import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { tempFolder } from '../testing/temp-folder.ts';
import { fileProblem } from './file-safety.ts';

/** A file with these rights; `chmod`, because the umask must not decide. */
async function fileWith(test: TestContext, mode: number): Promise<string> {
  const path = join(await tempFolder(test), 'file');
  await writeFile(path, 'x');
  await chmod(path, mode);
  return path;
}

describe('a file is trusted by its rights', () => {
  const writable = 'can be written by others; chmod go-w FILE';
  const readable = 'holds a secret and can be read by others; chmod 600 FILE';
  const cases: readonly (readonly [mode: number, asConfiguration: string | undefined, asSecret: string | undefined])[] =
    [
      [0o400, undefined, undefined],
      [0o600, undefined, undefined],
      [0o700, undefined, undefined],
      [0o644, undefined, readable],
      [0o640, undefined, readable],
      [0o604, undefined, readable],
      [0o660, writable, readable],
      [0o602, writable, readable],
      [0o666, writable, readable],
    ];
  for (const [mode, asConfiguration, asSecret] of cases) {
    it(`0${mode.toString(8)}: ${asConfiguration ?? 'good'}, as a secret: ${asSecret ?? 'good'}`, async (test) => {
      const path = await fileWith(test, mode);
      const messages = [await fileProblem(path, false), await fileProblem(path, true)].map((found) => found?.message);
      assert.deepEqual(
        messages,
        [asConfiguration, asSecret].map((message) => message?.replace('FILE', path)),
      );
    });
  }
});

it('a file of another user is not trusted, since that user could change it', async (test) => {
  if (process.geteuid?.() !== 0) return test.skip('only root can give a file away');
  const path = await fileWith(test, 0o600);
  await chown(path, 65_534, 65_534);
  assert.deepEqual(await fileProblem(path, false), {
    file: path,
    message: `belongs to user 65534, who could change it; chown root ${path}`,
  });
});

it('a link is judged by what it leads to', async (test) => {
  const path = await fileWith(test, 0o666);
  await symlink(path, `${path}.link`);
  assert.match((await fileProblem(`${path}.link`, false))?.message ?? '', /can be written by others/);
});

it('what is missing, no file, or out of reach is told apart', async (test) => {
  const folder = await tempFolder(test);
  await mkdir(join(folder, 'folder'));
  await writeFile(join(folder, 'file'), '');
  await symlink('nowhere', join(folder, 'link'));
  const messageOf = async (name: string) => (await fileProblem(join(folder, name), false))?.message ?? '';
  assert.equal(await messageOf('missing'), 'does not exist');
  assert.equal(await messageOf('link'), 'does not exist');
  assert.equal(await messageOf('folder'), 'is no file');
  assert.match(await messageOf('file/below'), /^cannot be looked at: ENOTDIR/);
});
