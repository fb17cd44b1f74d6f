import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import type { Collector, ToolCommands } from '#common/plugin/collector.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { dockerCollector } from '#plugins/docker/docker-collector.ts';
import { type CollectorTask, collectorTask, unpack, writeProgram } from './rig/collector-task.ts';
import { startProject, testProject } from './rig/compose-project.ts';
import { image, startDocker, type TestDocker } from './rig/docker.ts';
import { startRegistry } from './rig/registry.ts';

const engine = await startDocker().catch((error: unknown) => String(error));
if (typeof engine === 'string') test('the collector docker on a real engine', { skip: engine }, () => undefined);
else await provenOn(engine);

async function provenOn(docker: TestDocker): Promise<void> {
  Object.assign(process.env, docker.env);
  after(() => docker.stop());
  const shop = await startProject(docker, 'shop', {
    db: { volumes: ['data:/data', '/cache'] },
    web: { depends_on: ['db'] },
  });
  await writeFile(join(shop.folder, '.env'), 'COLOUR=red\n');
  await writeFile(join(shop.volume('data'), 'page'), 'hello');

  collectorContract(dockerCollector, {
    good: {
      options: async () => ({ project_directory: shop.folder, volumes: 'all' }),
      holds: [
        'docker_config/compose.yaml',
        'docker_config/.env',
        'volumes/db+cache/',
        'volumes/data/',
        'volumes/data/page',
      ],
    },
    failing: { options: async (folder) => ({ project_directory: folder }) },
  });

  describe('docker', () => {
    test('volumes come back by hand into a project elsewhere', async (test) => {
      const own = await testProject(test, docker, { web: { volumes: ['data:/data'] } });
      const task = await taskOf(test);
      await task.collect({ compose_file: join(shop.folder, 'compose.yaml'), volumes: ['data'], backup_config: false });
      assert.deepEqual([...task.archive.entries.keys()], ['volumes/data/', 'volumes/data/page']);
      const restored = join(task.folder, 'restored');
      await mkdir(restored);
      await unpack(task.archive, restored);
      await docker.run({ file: 'cp', args: ['-a', `${restored}/volumes/data/.`, own.volume('data')] });
      assert.equal(await own.compose('exec', '-T', 'web', 'cat', '/data/page'), 'hello');
    });

    test('images are pinned to the digest of their registry, and can be pulled by it', async (test) => {
      const registry = await startRegistry(docker);
      test.after(() => registry.stop());
      await docker.docker('pull', registry.name);
      const own = await testProject(test, docker, { app: { image: registry.name }, local: {} });
      const task = await taskOf(test);
      await task.collect({ project_directory: own.folder, pin_images: true });
      const pinned = task.archive.entries.get('docker_config/pinned-images.yaml')?.toString() ?? '';
      assert.match(
        pinned,
        new RegExp(`^services:\n {2}"app":\n {4}image: "${registry.pinned}" # ${registry.name}\n$`, 'm'),
      );
      assert.deepEqual(task.warnings, [`docker: no registry is known to have ${image}, so it is not pinned`]);
      await own.compose('down', '--timeout', '0');
      await docker.docker('rmi', registry.name);
      await writeFile(join(own.folder, 'pinned-images.yaml'), pinned);
      await own.compose('--file', 'compose.yaml', '--file', 'pinned-images.yaml', 'up', '--detach', 'app');
      assert.deepEqual(await own.states(), ['app running']);
    });

    test('an override beside a compose file of a default name is a part of it', async (test) => {
      const own = await testProject(test, docker, { web: {} });
      await writeFile(join(own.folder, 'compose.override.yaml'), 'services: {}\n');
      const task = await taskOf(test);
      await task.collect({ docker_compose_path: join(own.folder, 'compose.yaml') });
      assert.deepEqual(
        [...task.archive.entries.keys()],
        ['compose.yaml', 'compose.override.yaml'].map((name) => `docker_config/${name}`),
      );
    });

    test('a project that was never started is a warning', async (test) => {
      const own = await testProject(test, docker, { web: {} });
      await own.compose('down', '--timeout', '0');
      const task = await taskOf(test);
      await task.check({ project_directory: own.folder });
      assert.deepEqual(task.warnings, [
        `docker: the compose project in ${own.folder} has no containers; if it has, set its project_name`,
      ]);
    });

    const refused: readonly {
      readonly title: string;
      readonly options?: object;
      readonly env?: Readonly<Record<string, string>>;
      readonly compose?: string;
      readonly message: RegExp;
      readonly hint: RegExp;
    }[] = [
      {
        title: 'a compose file that is not there',
        options: { compose_file: '/nonexistent/compose.yaml' },
        message: /^docker: there is no compose file \/nonexistent\/compose.yaml$/,
        hint: /Correct compose_file/,
      },
      {
        title: 'a folder without a compose file',
        options: { project_directory: '/proc/self/ns' },
        message: /^docker: there is no compose file in \/proc\/self\/ns$/,
        hint: /^It must be called compose\.yaml, compose\.yml, docker-compose\.yml, docker-compose\.yaml; set/,
      },
      {
        title: 'two compose files of one name',
        options: { compose_file: [join(shop.folder, 'compose.yaml'), join(shop.folder, '../shop/compose.yaml')] },
        message: /^docker: two compose files would be docker_config\/compose.yaml in the archive$/,
        hint: /backup_config: false/,
      },
      {
        title: 'a volume that is not there',
        options: { project_directory: shop.folder, volumes: ['dta'] },
        message: /^docker: there is no volume dta in the project shop$/,
        hint: /docker volume ls/,
      },
      {
        title: 'an engine that does not answer',
        env: { DOCKER_HOST: 'unix:///nonexistent.sock' },
        message: /^docker: cannot reach docker: Cannot connect to the Docker daemon at unix:\/\/\/nonexistent.sock/,
        hint: /^Is docker.service up/,
      },
      {
        title: 'docker that is not installed',
        compose: 'no-docker compose',
        message: /^docker: there is no program no-docker$/,
        hint: /^Install docker.io and docker-compose, or set tools.docker_cmd/,
      },
    ];
    for (const { title, options = { project_directory: shop.folder }, env = {}, compose, message, hint } of refused) {
      test(`${title} fails before anything is touched`, async (test) => {
        withEnvironment(test, env);
        const task = await taskOf(test, compose === undefined ? {} : { docker: compose });
        await assert.rejects(task.check(options), { name: 'BackupError', message, hint });
      });
    }

    test('compose that is not installed fails before anything is touched', async (test) => {
      const wrapper = join(await tempFolder(test), 'docker');
      await writeProgram(wrapper, `[ "$1" = compose ] && set -- no-compose; exec docker "$@"`);
      const task = await taskOf(test, { docker: `${wrapper} compose` });
      await assert.rejects(task.check({ project_directory: shop.folder }), {
        message: /^docker: cannot run compose: docker: .*command/,
        hint: /^Install docker's compose plugin, or set tools.docker_cmd/,
      });
    });

    test('a compose file that cannot be read fails before anything is touched', async (test) => {
      const folder = await tempFolder(test);
      await writeFile(join(folder, 'compose.yaml'), 'services: [');
      await assert.rejects((await taskOf(test)).check({ project_directory: folder }), {
        message: /^docker: cannot read the compose project in \/.*: yaml: line 1/,
      });
    });

    test('the audit names projects and volumes, and what a task saves of them', async (test) => {
      const own = await testProject(test, docker, { web: { volumes: ['data:/data'] } });
      const task = await taskOf(test);
      const assets = (await collector.findAssets?.(task.context)) ?? [];
      const volume = `${own.name}_data`;
      assert.deepEqual(
        assets.filter(({ name }) => name.startsWith(own.name)),
        [
          { kind: 'compose project', name: own.name, path: own.folder },
          { kind: 'volume', name: volume, path: own.volume('data') },
        ],
      );
      assert.deepEqual(await task.coverage({ project_directory: own.folder, volumes: ['data'] }), {
        assets: [
          { kind: 'compose project', name: own.name },
          { kind: 'volume', name: volume },
        ],
        paths: [own.volume('data')],
      });
    });

    test('the audit finds nothing where there is no docker or no engine', async (test) => {
      const missing = await taskOf(test, { docker: 'no-docker compose' });
      assert.deepEqual(await collector.findAssets?.(missing.context), []);
      withEnvironment(test, { DOCKER_HOST: 'unix:///nonexistent.sock' });
      assert.deepEqual(await collector.findAssets?.((await taskOf(test)).context), []);
    });
  });
}

const collector = dockerCollector as Collector as Collector<unknown>;

function taskOf(test: TestContext, tools: Partial<ToolCommands> = {}): Promise<CollectorTask> {
  return collectorTask(test, dockerCollector, tools);
}

function withEnvironment(test: TestContext, env: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  Object.assign(process.env, env);
  test.after(() => Object.assign(process.env, before));
}
