import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { tempFolder } from '../testing/temp-folder.ts';
import { type CommonKey, logLevelOf, readCommonConfig } from './common-config.ts';
import { formatProblem, Problems } from './problems.ts';

/** Reads a common_config with this text, or none; `FILE` stands for its path in the messages. */
async function read(test: TestContext, text?: string, mode = 0o600) {
  const folder = await tempFolder(test);
  const path = join(folder, 'common_config');
  if (text !== undefined) {
    await writeFile(path, text);
    await chmod(path, mode);
  }
  return readFrom(folder);
}

async function readFrom(folder: string) {
  const problems = new Problems();
  const common = await readCommonConfig(folder, problems);
  const path = join(folder, 'common_config');
  return { common, messages: problems.list.map((problem) => formatProblem(problem).replaceAll(path, 'FILE')) };
}

describe('a value of common_config', () => {
  const cases: readonly (readonly [text: string | undefined, key: CommonKey, value: string | undefined])[] = [
    [undefined, 'TAR_CMD', 'tar'],
    [undefined, 'DEFAULT_KEEP_DAYS', '7'],
    [undefined, 'DEFAULT_MIN_FREE_SPACE_MB', '500'],
    [undefined, 'DEFAULT_ADMIN_EMAIL', undefined],
    ['', 'DOCKER_CMD', 'docker compose'],
    ['TAR_CMD=/opt/tar', 'TAR_CMD', '/opt/tar'],
    ['TAR_CMD=/opt/tar', 'RSYNC_CMD', 'rsync'],
    ['TAR_CMD=', 'TAR_CMD', 'tar'],
    ['DEFAULT_ADMIN_EMAIL=""', 'DEFAULT_ADMIN_EMAIL', undefined],
    ['DEFAULT_KEEP_DAYS=', 'DEFAULT_KEEP_DAYS', '7'],
    ['DEFAULT_MIN_FREE_SPACE_MB=0', 'DEFAULT_MIN_FREE_SPACE_MB', '0'],
    ['export RESTIC_CMD="/opt/restic" # ours', 'RESTIC_CMD', '/opt/restic'],
  ];
  for (const [text, key, value] of cases) {
    it(`${key} is ${value ?? 'nothing'} with ${text === undefined ? 'no file' : JSON.stringify(text)}`, async (test) => {
      const { common, messages } = await read(test, text);
      assert.deepEqual(messages, []);
      assert.equal(common(key), value);
    });
  }

  it('is understood under every key that the original has', async (test) => {
    const keys = [
      ...['YQ', 'TAR', 'RSYNC', 'RESTIC', 'MSMTP', 'SSH', 'SCP', 'DOCKER', 'PG_DUMP', 'MYSQL_DUMP'],
      ...['GZIP', 'JQ', 'INFLUX', 'UNIVENTION_BACKUP'],
    ].map((name) => `${name}_CMD=/x`);
    const others = ['DEFAULT_ADMIN_EMAIL=a@b', 'DEFAULT_PLUGIN_DIR=/p', 'LOG_LEVEL=3', 'LOG_LEVEL_COMMON=1'];
    assert.deepEqual((await read(test, [...keys, ...others].join('\n'))).messages, []);
  });
});

describe('what is wrong in common_config', () => {
  const cases: readonly (readonly [line: string, message: string])[] = [
    ['TAR_CMDD=x', 'FILE:1:10: TAR_CMDD: is no known key; did you mean "TAR_CMD"?'],
    ['NONSENSE=x', 'FILE:1:10: NONSENSE: is no known key'],
    ['toString=x', 'FILE:1:10: toString: is no known key'],
    ['DEFAULT_KEEP_DAYS=0', 'FILE:1:19: DEFAULT_KEEP_DAYS: must be a whole number from 1'],
    ['DEFAULT_KEEP_DAYS=week', 'FILE:1:19: DEFAULT_KEEP_DAYS: must be a whole number from 1'],
    ['DEFAULT_MIN_FREE_SPACE_MB=-1', 'FILE:1:27: DEFAULT_MIN_FREE_SPACE_MB: must be a whole number'],
    ['LOG_LEVEL=4', 'FILE:1:11: LOG_LEVEL: must be 0, 1, 2 or 3'],
    ['LOG_LEVEL_COMMON=debug', 'FILE:1:18: LOG_LEVEL_COMMON: must be 0, 1, 2 or 3'],
    ['TAR_CMD=$(which tar)', 'FILE:1:9: the value of TAR_CMD would need a shell to understand; write it plainly'],
  ];
  for (const [line, message] of cases) {
    it(line, async (test) => assert.deepEqual((await read(test, line)).messages, [message]));
  }

  it('a file that others may write does not count, since programs are named in it', async (test) => {
    const { common, messages } = await read(test, 'TAR_CMD=/tmp/evil', 0o666);
    assert.deepEqual(messages, ['FILE: can be written by others; chmod go-w FILE']);
    assert.equal(common('TAR_CMD'), 'tar');
  });

  it('a folder of that name', async (test) => {
    const folder = await tempFolder(test);
    await mkdir(join(folder, 'common_config'));
    assert.deepEqual((await readFrom(folder)).messages, ['FILE: is no file']);
  });

  it('a link that leads nowhere, which is not the same as no file', async (test) => {
    const folder = await tempFolder(test);
    await symlink('nowhere', join(folder, 'common_config'));
    assert.deepEqual((await readFrom(folder)).messages, ['FILE: does not exist']);
  });
});

describe('the log level', () => {
  const cases = [
    [undefined, '', 2],
    [undefined, 'LOG_LEVEL=0', 0],
    [undefined, 'LOG_LEVEL=1\nLOG_LEVEL_COMMON=3', 3],
    [0, 'LOG_LEVEL=3', 0],
    [1, '', 1],
  ] as const;
  for (const [own, text, level] of cases) {
    it(`is ${level} with ${own ?? 'none'} in the own file and ${JSON.stringify(text)}`, async (test) =>
      assert.equal(logLevelOf(own, (await read(test, text)).common), level));
  }
});
