import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execaRunner } from '../../process/execa-runner.ts';
import { pluginScript } from '../../testing/plugin-script.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { callFunction } from './call-function.ts';

const options = {
  host: 'db one',
  port: 5432,
  pin: false,
  none: null,
  paths: ['/a', '/b c'],
  nested: { 'a.b': { list: [{ x: 1 }] } },
};

/** What a line of shell prints and how it ends, with FILE as the file of options, FOLDER as a folder of its own. */
async function said(folder: string, line: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(folder, 'task.yaml');
  await writeFile(file, JSON.stringify(options));
  const text = `called() {\n${line.replaceAll('FILE', file).replaceAll('FOLDER', folder)}\n}\n`;
  const plugin = await pluginScript(folder, 'plugin.sh', text);
  const { exitCode, stdout, stderr } = await callFunction({ plugin, fn: 'called', env, timeout: '30s' }, execaRunner());
  return { exitCode, stdout: stdout.replaceAll(folder, 'FOLDER'), stderr: stderr.replaceAll(folder, 'FOLDER') };
}

describe('get_yaml_value', () => {
  const cases: readonly (readonly [path: string, value: string])[] = [
    ['.host', 'db one'],
    ['.port', '5432'],
    ['.pin', 'false'],
    ['.none', 'default'],
    ['.missing.deeper', 'default'],
    ['.paths[1]', '/b c'],
    ['.paths[]', '/a\n/b c'],
    ['.nested."a.b".list[0].x', '1'],
    ['.nested["a.b"].list', '{"x":1}'],
  ];
  for (const [path, value] of cases) {
    test(`gives at ${path}: ${JSON.stringify(value)}`, async (context) => {
      const { stdout } = await said(await tempFolder(context), `get_yaml_value FILE '${path}' default`);
      assert.equal(stdout, `${value}\n`);
    });
  }

  test('asks yq for what is more than a path, and for other files, whichever yq that is', async (context) => {
    const folder = await tempFolder(context);
    await writeFile(join(folder, 'compose.yml'), 'services: {}\n');
    const go = await pluginScript(folder, 'go-yq', '#!/bin/sh\n[ "$1" = e ] && echo "go $2"\n');
    const python = await pluginScript(folder, 'python-yq', '#!/bin/sh\n[ "$1" = -r ] && echo "python $2"\n');
    const line = "get_yaml_value FILE '.paths | length'; get_yaml_value FOLDER/compose.yml .services";
    assert.equal((await said(folder, line, { YQ_CMD: go })).stdout, 'go .paths | length\ngo .services\n');
    assert.equal((await said(folder, line, { YQ_CMD: python })).stdout, 'python .paths | length\npython .services\n');
  });

  test('gives the default and an error for a file that is not there', async (context) => {
    const { exitCode, stdout, stderr } = await said(await tempFolder(context), 'get_yaml_value FOLDER/none .a default');
    const expected = [1, 'default\n', 'ERROR: get_yaml_value: cannot read FOLDER/none\n'];
    assert.deepEqual([exitCode, stdout, stderr], expected);
  });
});

interface Case {
  readonly line: string;
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

const cases: readonly Case[] = [
  { line: 'log_info a b; log_debug c; log_detail d', stdout: 'INFO: a b\n' },
  { line: 'log_error a; log_warn b', stderr: 'ERROR: a\nWARN: b\n' },
  { line: 'LOG_LEVEL=0; log_error a; log_warn b; log_info c', stderr: 'ERROR: a\n' },
  { line: 'LOG_LEVEL=3; log_debug a', stderr: 'DEBUG: a\n' },
  { line: 'check_command sh && check_command_exists sh' },
  { line: 'check_command no-such', exitCode: 1, stderr: 'ERROR: there is no program no-such\n' },
  {
    line: 'check_command_exists no-such "no dump" pg',
    exitCode: 1,
    stderr: 'ERROR: no dump; it is in the package pg\n',
  },
  { line: 'is_valid_path FILE -f && is_valid_path FOLDER -d && is_valid_path FOLDER && is_valid_path FOLDER odd' },
  { line: 'is_valid_path FOLDER -f', exitCode: 1, stderr: 'ERROR: "FOLDER" is not what is needed (test -f)\n' },
  { line: 'is_valid_path ""', exitCode: 1, stderr: 'ERROR: "" is not what is needed (test -e)\n' },
  { line: 'chmod 400 FILE; check_permissions FILE 600 && check_perms FILE 400 "$(id -un)"' },
  {
    line: 'chmod 644 FILE; check_permissions FILE 600',
    exitCode: 1,
    stderr: 'ERROR: FOLDER/task.yaml has mode 644, not 600\n',
  },
  { line: 'check_disk_space FOLDER 1 && check_disk FOLDER 0' },
  { line: 'check_disk_space FOLDER 99999999999 2>/dev/null', exitCode: 1 },
  { line: 'run_cmd echo "a  b"', stdout: 'a  b\n' },
  { line: 'run_cmd sh -c "exit 7"', exitCode: 7, stderr: 'ERROR: "sh -c exit 7" ended with exit code 7\n' },
  { line: 'create_dir_secure FOLDER/a/b; stat -c %a FOLDER/a/b', stdout: '700\n' },
  { line: 'create_dir_secure /proc/x 2>/dev/null; echo never', exitCode: 1 },
  {
    line: 'TMPDIR=FOLDER/t; f=$(create_secure_temp_file x.XXX); stat -c "%a %F" "$f"; dirname "$f"',
    stdout: '600 regular empty file\nFOLDER/t\n',
  },
  {
    line: 'd=$(create_secure_temp_dir x.XXX FOLDER/u); stat -c "%a %F" "$d"; dirname "$d"',
    stdout: '700 directory\nFOLDER/u\n',
  },
];

describe('the helpers of shell functions', () => {
  for (const { line, exitCode = 0, stdout = '', stderr = '' } of cases) {
    test(line, async (context) => {
      assert.deepEqual(await said(await tempFolder(context), line), { exitCode, stdout, stderr });
    });
  }

  test('are there under strict shell settings, and found by a plugin beside itself', async (context) => {
    const folder = await tempFolder(context);
    await mkdir(join(folder, 'other'));
    await symlink(
      await pluginScript(
        folder,
        'real.sh',
        'set -eu\nsource "$(dirname "$0")/common_functions.sh"\nf() { log_info "$#"; }\n',
      ),
      join(folder, 'other/link.sh'),
    );
    const call = { plugin: join(folder, 'other/link.sh'), fn: 'f', args: ['a b', ''], timeout: '30s' };
    assert.equal((await callFunction(call, execaRunner())).stdout, 'INFO: 2\n');
  });

  test('may say as much as they like', async (context) => {
    const { exitCode, stdout } = await said(await tempFolder(context), 'seq 1 1000000');
    assert.equal(exitCode, 0);
    assert.ok(stdout.startsWith('1\n2\n'));
  });
});
