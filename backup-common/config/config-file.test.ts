import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { tempFolder } from '../testing/temp-folder.ts';
import { readConfigFile } from './config-file.ts';
import { formatProblem, Problems } from './problems.ts';

const schema = {
  type: 'object',
  properties: { days: { type: 'integer', default: 7 } },
  additionalProperties: false,
} as const;

/** Reads a file with this text; `FILE` stands for its path in the messages. */
async function read(test: TestContext, text: string, mode = 0o600) {
  const path = join(await tempFolder(test), 'config.yml');
  await writeFile(path, text);
  await chmod(path, mode);
  const problems = new Problems();
  const file = await readConfigFile(path, schema, problems);
  return { file, messages: problems.list.map((problem) => formatProblem(problem).replaceAll(path, 'FILE')) };
}

it('a good file has its value with the defaults, and can place later problems', async (test) => {
  const problems = new Problems();
  const path = join(await tempFolder(test), 'config.yml');
  await writeFile(path, '# days\n{}\n', { mode: 0o600 });
  const file = await readConfigFile(path, schema, problems);
  assert.deepEqual(file?.value, { days: 7 });
  file?.source.problemAt(['days'], 'are too many');
  assert.deepEqual(problems.list.map(formatProblem), [`${path}:2:1: days: are too many`]);
});

it('a file that others may write is not even parsed', async (test) =>
  assert.deepEqual(await read(test, 'a: [', 0o666), {
    file: undefined,
    messages: ['FILE: can be written by others; chmod go-w FILE'],
  }));

it('a file with broken syntax is not checked further', async (test) => {
  const { file, messages } = await read(test, 'dais: 1\ndais: 2\n');
  assert.equal(file, undefined);
  assert.deepEqual(messages, ['FILE:2:1: is no valid YAML: Map keys must be unique']);
});

it('a file that breaks its schema has no value', async (test) =>
  assert.deepEqual(await read(test, 'dais: 1\n'), {
    file: undefined,
    messages: ['FILE:1:1: dais: is no known key; did you mean "days"?'],
  }));

it('a missing file is a problem, not a crash', async (test) => {
  const path = join(await tempFolder(test), 'config.yml');
  const problems = new Problems();
  assert.equal(await readConfigFile(path, schema, problems), undefined);
  assert.deepEqual(problems.list, [{ file: path, message: 'does not exist' }]);
});
