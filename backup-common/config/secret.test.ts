import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { BackupError } from '../errors.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import { checkSchema } from './json-schema.ts';
import { formatProblem, Problems } from './problems.ts';
import { readSecret, secretSchema } from './secret.ts';
import { parseYaml } from './yaml-source.ts';

const variable = 'BACKUP_SUITE_TEST_SECRET';
const folderBefore = process.env.CREDENTIALS_DIRECTORY;
afterEach(() => {
  delete process.env[variable];
  if (folderBefore === undefined) delete process.env.CREDENTIALS_DIRECTORY;
  else process.env.CREDENTIALS_DIRECTORY = folderBefore;
});

describe('a secret is read when it is needed', () => {
  it('from the first line of a file', async (test) => {
    const file = join(await tempFolder(test), 'secret');
    await writeFile(file, 'a secret with blanks \nnot this\n', { mode: 0o600 });
    assert.equal(await readSecret({ file }), 'a secret with blanks ');
  });

  it('from the environment, whole', async () => {
    process.env[variable] = 'two\nlines';
    assert.equal(await readSecret({ env: variable }), 'two\nlines');
  });

  it('from a systemd credential, which the unit’s own group may read', async (test) => {
    const folder = await tempFolder(test);
    process.env.CREDENTIALS_DIRECTORY = folder;
    await writeFile(join(folder, 'mail'), 'hunter2');
    await chmod(join(folder, 'mail'), 0o440);
    assert.equal(await readSecret({ credential: 'mail' }), 'hunter2');
  });
});

describe('a secret that cannot be had is an expected failure, and says where it should be', () => {
  const fails = (secret: Parameters<typeof readSecret>[0], message: RegExp) =>
    assert.rejects(readSecret(secret), (error) => error instanceof BackupError && message.test(error.message));

  it('a missing file', () => fails({ file: '/does/not/exist' }, /^\/does\/not\/exist: does not exist$/));

  it('a file that others can read', async (test) => {
    const file = join(await tempFolder(test), 'secret');
    await writeFile(file, 'hunter2');
    await chmod(file, 0o644);
    await fails({ file }, /: holds a secret and can be read by others; chmod 600 /);
  });

  it('an empty file', async (test) => {
    const file = join(await tempFolder(test), 'secret');
    await writeFile(file, '\n', { mode: 0o600 });
    await fails({ file }, /: the first line is empty, so there is no secret in it$/);
  });

  it('a variable that is not set', () => fails({ env: variable }, new RegExp(`variable ${variable} is not set`)));

  it('a credential outside of a unit', () => {
    delete process.env.CREDENTIALS_DIRECTORY;
    return fails({ credential: 'mail' }, /no systemd credential "mail" here/);
  });

  it('a credential that the unit does not load', async (test) => {
    process.env.CREDENTIALS_DIRECTORY = await tempFolder(test);
    await fails({ credential: 'mail' }, /\/mail: does not exist$/);
  });
});

describe('a secret in the configuration is exactly one place, never the secret itself', () => {
  const cases: readonly (readonly [yaml: string, problem: string | undefined])[] = [
    ['{ file: /etc/backup/password }', undefined],
    ['{ env: PASSWORD }', undefined],
    ['{ credential: mail }', undefined],
    ['hunter2', 'must be a map with one of file, env or credential'],
    ['{ file: /etc/backup/password, env: PASSWORD }', 'must be a map with one of file, env or credential'],
    ['{}', 'must be a map with one of file, env or credential'],
    ['{ file: password }', 'must be an absolute path'],
    ['{ credential: ../mail }', 'must be a name of letters'],
    ['{ password: hunter2 }', 'is no known key'],
  ];
  for (const [yaml, problem] of cases) {
    it(`${yaml}: ${problem ?? 'good'}`, () => {
      const problems = new Problems();
      const source = parseYaml('FILE', yaml, problems);
      assert.ok(source !== undefined);
      checkSchema(source, secretSchema);
      const messages = problems.list.map(formatProblem);
      assert.equal(messages.length, problem === undefined ? 0 : 1, messages.join('\n'));
      assert.ok(problem === undefined || messages[0]?.includes(problem), messages[0]);
      assert.doesNotMatch(messages.join('\n'), /hunter2/);
    });
  }
});
