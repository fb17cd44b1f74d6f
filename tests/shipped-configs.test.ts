import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readCommonConfig } from '#common/config/common-config.ts';
import { schemaProblem } from '#common/config/json-schema.ts';
import { mailSchema } from '#common/config/mail-schema.ts';
import { formatProblem, Problems } from '#common/config/problems.ts';
import { loadPlugins } from '#common/plugin/load-plugins.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectors } from '#plugins/index.ts';
import { clientConfigSchema } from '../backup-client/client-config-schema.ts';
import { loadClientConfig } from '../backup-client/config.ts';
import { loadServices } from '../backup-client/discover.ts';
import { serviceSchema } from '../backup-client/service-schema.ts';
import { loadServerConfig } from '../backup-server/config.ts';
import { serverConfigSchema } from '../backup-server/server-config-schema.ts';
import { manualExamples } from './rig/manual-examples.ts';

describe('the configuration files that come with the programs', () => {
  let folder: string;
  let problems: Problems;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'configs-'));
    problems = new Problems();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const messages = () => problems.list.map(formatProblem);

  it('have valid schemas themselves', () => {
    const schemas = { clientConfigSchema, serverConfigSchema, service: serviceSchema(collectors), mailSchema };
    for (const [name, schema] of Object.entries(schemas)) assert.equal(schemaProblem(schema), undefined, name);
  });

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

  it('are all valid: what the samples have in comments, too', async () => {
    const uncommented = (text: string) => text.replace(/^( *)# (?=[ -]*[a-z_]+:(?: |$))/gm, '$1');
    const text = uncommented(await readFile('configs/client_config.yml', 'utf8'));
    assert.match(text, /^mail:\n {2}smtp:/m);
    await writeFile(join(folder, 'client_config.yml'), text);
    assert.notEqual(await loadClientConfig(folder, problems), undefined);
    assert.deepEqual(messages(), []);
  });

  it('are all valid: every example of a service', async () => {
    await cp('configs/examples', folder, { recursive: true });
    const tools = { runner: execaRunner(), builtIn: collectors, wantedKeys: [] };
    const { plugins, refused } = await loadPlugins(join(folder, 'plugins'), tools);
    assert.deepEqual(refused, []);
    const own = plugins.flatMap(({ collector }) => collector ?? []);
    const services = await loadServices(folder, [...collectors, ...own], problems);
    assert.deepEqual(messages(), []);
    const files = (await readdir(folder, { recursive: true })).filter((name) => /\/service\.ya?ml$/.test(name));
    assert.ok(files.length > 1);
    assert.deepEqual(
      services.map(({ file }) => file),
      files.map((file) => join(folder, file)).sort(),
    );
  });

  it('have the plugin that the manual shows', async () => {
    const examples = await manualExamples('docs/plugins.md');
    assert.equal(await readFile('configs/examples/plugins/packages', 'utf8'), examples.get('packages'));
  });

  it('have in configs/invalid what must be refused, each with exactly the problems it names', async () => {
    const names = (await readdir('configs/invalid')).sort();
    assert.ok(names.length > 0);
    for (const name of names) {
      const text = await readFile(join('configs/invalid', name), 'utf8');
      const path = await place(folder, name, text);
      const expected = [...text.matchAll(/^# error: (.*)$/gm)].map(([, message = '']) =>
        message.replaceAll('FILE', path),
      );
      problems = new Problems();
      await readerOf(path)(folder, problems);
      assert.ok(expected.length > 0, `${name} does not say what is wrong`);
      assert.deepEqual(messages().sort(), expected.sort(), name);
      await rm(folder, { recursive: true });
      await mkdir(folder);
    }
  });

  it('have schemas and a reference page that are not stale', async () => {
    const { exitCode, stderr } = await generate('--check');
    assert.equal(exitCode, 0, stderr);
  });

  it('are made anew where they are missing or stale, and --check names those that are, without a change', async () => {
    const all = [
      ...['client_config', 'server_config', 'service'].map((name) => `docs/schemas/${name}.schema.json`),
      'debian/copyright',
      'docs/configuration.md',
    ];
    const before = await generate('--into', folder, '--check');
    assert.deepEqual([before.exitCode, before.stderr.trim()], [1, `stale, run "npm run generate": ${all.join(', ')}`]);
    assert.deepEqual(await readdir(folder), []);
    assert.equal((await generate('--into', folder)).exitCode, 0);
    for (const file of all) assert.equal(await readFile(join(folder, file), 'utf8'), await readFile(file, 'utf8'));
    await writeFile(join(folder, 'docs/configuration.md'), 'changed by hand');
    const after = await generate('--into', folder, '--check');
    assert.deepEqual(
      [after.exitCode, after.stderr.trim()],
      [1, 'stale, run "npm run generate": docs/configuration.md'],
    );
  });
});

async function generate(...args: string[]) {
  const file = process.execPath;
  return execaRunner().run({ file, args: ['--import', 'tsx', 'scripts/generate.ts', ...args] });
}

/** Puts a file where its kind belongs: `service-broken.yaml` is a service.yaml, `server_config-hosts.yml` a server_config.yml. */
async function place(folder: string, name: string, text: string): Promise<string> {
  const kind = name.replace(/-\w+/g, '');
  const path = join(folder, kind === 'service.yaml' ? 'other/sample/service.yaml' : kind);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text.replaceAll('/etc/backup/', `${folder}/`), { mode: 0o600 });
  for (const secret of ['restic-password', 'ssh-key']) await writeFile(join(folder, secret), 'x\n', { mode: 0o600 });
  return path;
}

/** What reads a file of that kind. */
function readerOf(path: string): (folder: string, problems: Problems) => Promise<unknown> {
  switch (basename(path)) {
    case 'common_config':
      return readCommonConfig;
    case 'client_config.yml':
      return loadClientConfig;
    case 'server_config.yml':
      return loadServerConfig;
    case 'service.yaml':
      return (folder, problems) => loadServices(folder, collectors, problems);
    default:
      throw new Error(`${path} is no kind of configuration`);
  }
}
