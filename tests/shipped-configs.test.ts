import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readCommonConfig } from '#common/config/common-config.ts';
import { formatProblem, Problems } from '#common/config/problems.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectors } from '#plugins/index.ts';
import { loadClientConfig } from '../backup-client/config.ts';
import { loadServices } from '../backup-client/discover.ts';
import { loadServerConfig } from '../backup-server/config.ts';

describe('the configuration files that come with the programs', () => {
  let folder: string;
  let problems: Problems;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'configs-'));
    problems = new Problems();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const messages = () => problems.list.map(formatProblem);

  it('are all valid: the samples of the client', async () => {
    await cp('configs/common_config', join(folder, 'common_config'));
    await cp('configs/client_config.yml', join(folder, 'client_config.yml'));
    const config = await loadClientConfig(folder, problems);
    assert.deepEqual(messages(), []);
    assert.equal(config?.adminEmail, 'admin@example.org');
    assert.equal(config?.minFreeSpaceBytes, 500 * 1024 ** 2);
  });

  it('are all valid: the sample of the server, with the secrets it names', async () => {
    const text = (await readFile('configs/server_config.yml', 'utf8')).replaceAll('/etc/backup/', `${folder}/`);
    await writeFile(join(folder, 'server_config.yml'), text);
    for (const secret of ['restic-password', 'ssh-key']) await writeFile(join(folder, secret), 'x\n', { mode: 0o600 });
    const config = await loadServerConfig(folder, problems);
    assert.deepEqual(messages(), []);
    assert.deepEqual(
      config?.hosts.map(({ name, optional, maxAgeSeconds }) => [name, optional, maxAgeSeconds]),
      [
        ['web.example.org', false, 36 * 3600],
        ['laptop', true, 14 * 86_400],
      ],
    );
  });

  it('are all valid: every example of a service', async () => {
    await cp('configs/examples', folder, { recursive: true });
    const services = await loadServices(folder, collectors, problems);
    assert.deepEqual(messages(), []);
    assert.deepEqual(
      services.map(({ type, name }) => `${type}/${name}`),
      ['docker/shop', 'other/pihole'],
    );
  });

  it('have in configs/invalid what must be refused, each with exactly the problems it names', async () => {
    const names = (await readdir('configs/invalid')).sort();
    assert.ok(names.length >= 6);
    for (const name of names) {
      const text = await readFile(join('configs/invalid', name), 'utf8');
      const path = await place(folder, name, text);
      const expected = [...text.matchAll(/^# error: (.*)$/gm)].map(([, message = '']) =>
        message.replaceAll('FILE', path),
      );
      problems = new Problems();
      if (basename(path) === 'common_config') await readCommonConfig(folder, problems);
      else if (basename(path) === 'client_config.yml') await loadClientConfig(folder, problems);
      else if (basename(path) === 'server_config.yml') await loadServerConfig(folder, problems);
      else await loadServices(folder, collectors, problems);
      assert.deepEqual(messages().sort(), expected.sort(), name);
      await rm(folder, { recursive: true });
      await mkdir(folder);
    }
  });

  it('have schemas and a reference page that are not stale', async () => {
    const args = ['--import', 'tsx', 'scripts/generate.ts', '--check'];
    const { exitCode, stderr } = await execaRunner().run({ file: process.execPath, args });
    assert.equal(exitCode, 0, stderr);
  });
});

/** Puts a file where its kind belongs. */
async function place(folder: string, name: string, text: string): Promise<string> {
  const path = name.startsWith('service-') ? join(folder, 'other/sample/service.yaml') : join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
}
