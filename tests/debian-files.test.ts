import assert from 'node:assert/strict';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readCommonConfig } from '#common/config/common-config.ts';
import { formatProblem, Problems } from '#common/config/problems.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { version } from '#common/version.ts';
import { ready as clientReady } from '../backup-client/commands/ready.ts';
import { loadClientConfig } from '../backup-client/config.ts';
import { ready as serverReady } from '../backup-server/commands/ready.ts';
import { loadServerConfig } from '../backup-server/config.ts';
import { programs } from '../scripts/programs.ts';

describe('the configuration that an installation begins with', () => {
  test('has no mistake: what is missing is what only the administrator knows', async (context) => {
    const folder = await tempFolder(context);
    await cp('debian/starter', folder, { recursive: true });
    const problems = new Problems();
    await readCommonConfig(folder, problems);
    await loadClientConfig(folder, problems);
    await loadServerConfig(folder, problems);
    const isExpected = /backup-fetch|restic-password|ssh-key|hosts: /;
    assert.deepEqual(
      problems.list.map(formatProblem).filter((problem) => !isExpected.test(problem)),
      [],
    );
  });

  test('is not ready, and both programs say in one line what to write', async (context) => {
    const folder = await tempFolder(context);
    const readyIn = { configDir: folder } as Parameters<typeof serverReady>[0];
    for (const ready of [clientReady, serverReady]) {
      const { exitCode, text } = await ready(readyIn);
      assert.equal(exitCode, 1);
      assert.match(text, /^not set up yet: write \/.*_config\.yml; there is a sample in \/usr\/share\/doc\/.*$/);
    }
    await cp('debian/starter', folder, { recursive: true });
    assert.match((await serverReady(readyIn)).text, /^not set up yet: add hosts: to \/.*server_config\.yml$/);
  });
});

describe('the packages', () => {
  test('have the version of the programs', async () => {
    assert.match(
      await readFile('debian/changelog', 'utf8'),
      new RegExp(`^backup-suite \\(${version.replaceAll('.', '\\.')}\\) `),
    );
  });

  test('hold every program with its page and its completions, and every unit, once', async () => {
    const lists = (await readdir('debian')).filter((name) => /\.(install|manpages|tmpfiles)$/.test(name));
    const texts = await Promise.all(lists.map((name) => readFile(join('debian', name), 'utf8')));
    const listed = texts.flatMap((text) => text.split('\n')).map((line) => line.split(' ')[0] ?? '');
    const made = programs.flatMap(({ spec: { name } }) => [
      `dist/bin/${name}`,
      `dist/lib/${name}.js`,
      `dist/man/${name}.8`,
      `dist/completions/bash/${name}`,
      `dist/completions/zsh/_${name}`,
      `dist/completions/fish/${name}.fish`,
    ]);
    const units = (await readdir('systemd')).filter((name) => /\.(service|timer)$/.test(name));
    for (const path of [...made, ...units.map((unit) => `systemd/${unit}`)])
      assert.equal(listed.filter((found) => found === path).length, 1, path);
  });
});
