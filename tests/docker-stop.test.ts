import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import type { Collector, ToolCommands } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { interventionContract, withDefaults } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { dockerCollector } from '#plugins/docker/docker-collector.ts';
import { collectorTask, writeProgram } from './rig/collector-task.ts';
import { startProject, testProject } from './rig/compose-project.ts';
import { startDocker, type TestDocker } from './rig/docker.ts';
import { waitFor } from './rig/running.ts';
import { sandboxed, sandboxProblem } from './rig/sandbox.ts';

const unit = readFileSync('systemd/local-backup.service', 'utf8');
const noSandbox = (await sandboxProblem()) ?? false;
const engine = await startDocker().catch((error: unknown) => String(error));
if (typeof engine === 'string') test('compose projects are stopped and started', { skip: engine }, () => undefined);
else await provenOn(engine);

async function provenOn(docker: TestDocker): Promise<void> {
  Object.assign(process.env, docker.env);
  after(() => docker.stop());
  const shop = await startProject(docker, 'shop', { db: {}, web: { depends_on: ['db'] } });

  for (const mode of ['stop', 'pause']) {
    interventionContract(dockerCollector, 'stop', {
      options: async () => ({ project_directory: shop.folder, mode }),
      world: shop.states,
    });
  }

  describe('a compose project', { concurrency: 4 }, () => {
    for (const compose of docker.composes) {
      test(`${compose}: what runs is stopped and started again, and what does not is left`, async (test) => {
        const own = await testProject(test, docker, { db: {}, web: { depends_on: ['db'] }, other: {} }, compose);
        await own.compose('stop', 'db');
        const before = await own.states();
        const stop = await stopOf(test, { project_directory: own.folder }, { docker: compose });
        assert.match(stop.description, /^the compose project project\d+ \((other, web|web, other)\)$/);
        await stop.begin();
        assert.doesNotMatch((await own.states()).join('\n'), / running$/m);
        await stop.end();
        assert.deepEqual(await own.states(), before);
      });
    }

    test('all of that can be done from the sandbox of local-backup.service', { skip: noSandbox }, async (test) => {
      const own = await testProject(test, docker, { db: {}, web: { depends_on: ['db'] } });
      const stop = await stopOf(test, { project_directory: own.folder }, {}, (command) => sandboxed(unit, [], command));
      await stop.begin();
      assert.deepEqual(await own.states(), ['db exited', 'web exited']);
      await stop.end();
      assert.deepEqual(await own.states(), ['db running', 'web running']);
    });

    test('where nothing runs there is nothing to stop', async (test) => {
      const own = await testProject(test, docker, { web: {} });
      await own.compose('stop');
      assert.equal((await stopOf(test, { project_directory: own.folder })).state, undefined);
    });

    test('stop_services: false stops nothing', async (test) => {
      const options = { project_directory: shop.folder, stop_services: false };
      assert.equal((await stopOf(test, options)).state, undefined);
    });

    test('a container is started when all that it needs is healthy', async (test) => {
      const own = await testProject(test, docker, {
        db: {
          volumes: ['data:/data'],
          command: ['sh', '-c', 'sleep 1; touch /data/ready; exec sleep 1000'],
          healthcheck: { test: ['CMD', 'test', '-e', '/data/ready'], interval: '200ms', retries: 100 },
        },
        web: {
          volumes: ['data:/data'],
          depends_on: { db: { condition: 'service_healthy' } },
          command: ['sh', '-c', 'test -e /data/ready && exec sleep 1000'],
        },
      });
      const stop = await stopOf(test, { project_directory: own.folder, wait_after_restart: 1 });
      await stop.begin();
      await rm(join(own.volume('data'), 'ready'));
      await stop.end();
      assert.deepEqual(await own.states(), ['db running', 'web running']);
    });

    test('a stop that was broken off is finished, so that nothing ends after it was found running', async (test) => {
      const script = 'trap "touch /data/told; sleep 1; exit 0" TERM; while :; do sleep 0.1; done';
      const own = await testProject(test, docker, {
        web: { init: false, volumes: ['data:/data'], command: ['sh', '-c', script] },
      });
      const stop = await stopOf(test, { project_directory: own.folder });
      const told = execaRunner().start({ file: 'docker', args: ['stop', `${own.name}-web-1`] });
      await waitFor(async () => existsSync(join(own.volume('data'), 'told')));
      told.stop();
      await told.done;
      assert.deepEqual(await own.states(), ['web running']);
      await stop.end();
      assert.deepEqual(await own.states(), ['web running']);
      const again = await stopOf(test, { project_directory: own.folder });
      assert.notDeepEqual(again.state, stop.state, 'it was not started anew');
    });

    test('a container that ends after its start is named with what it says, and the others run', async (test) => {
      const own = await testProject(test, docker, {
        db: {
          volumes: ['data:/data'],
          command: ['sh', '-c', 'test -e /data/broken && { echo "the disk is on fire"; exit 3; }; exec sleep 1000'],
        },
        web: { depends_on: ['db'] },
      });
      const stop = await stopOf(test, { project_directory: own.folder, wait_after_restart: '1s' });
      await stop.begin();
      await writeFile(join(own.volume('data'), 'broken'), '');
      await assert.rejects(stop.end(), {
        name: 'BackupError',
        message: /^docker: the container project\d+-db-1 ended with exit code 3; it says: the disk is on fire$/,
        hint: /^See "docker logs project\d+-db-1"; "docker compose up --detach" in \/.* starts the whole project\.$/,
      });
      assert.deepEqual(await own.states(), ['db exited', 'web running']);
      await rm(join(own.volume('data'), 'broken'));
      await stop.end();
      assert.deepEqual(await own.states(), ['db running', 'web running']);
    });

    const checked = {
      web: {
        volumes: ['data:/data'],
        healthcheck: { test: ['CMD', 'test', '!', '-e', '/data/ill'], interval: '200ms', retries: 1 },
      },
    };

    test('a container that becomes unhealthy is named', async (test) => {
      const own = await testProject(test, docker, checked);
      const stop = await stopOf(test, { project_directory: own.folder });
      await stop.begin();
      await writeFile(join(own.volume('data'), 'ill'), '');
      await assert.rejects(stop.end(), { message: /^docker: the container project\d+-web-1 is unhealthy$/ });
    });

    test('a container that takes too long to become healthy is named', async (test) => {
      const { web } = checked;
      const own = await testProject(test, docker, {
        web: { ...web, healthcheck: { ...web.healthcheck, retries: 1000 } },
      });
      const stop = await stopOf(test, { project_directory: own.folder, start_timeout: '1s' });
      await stop.begin();
      await writeFile(join(own.volume('data'), 'ill'), '');
      await assert.rejects(stop.end(), { message: /^docker: the container project\d+-web-1 is not up after 1 s$/ });
    });

    test('a container that cannot be started is named with what docker says', async (test) => {
      const own = await testProject(test, docker, { web: { volumes: ['./folder:/folder'] } });
      const stop = await stopOf(test, { project_directory: own.folder });
      await stop.begin();
      await rm(join(own.folder, 'folder'), { recursive: true });
      await writeFile(join(own.folder, 'folder'), '');
      await assert.rejects(stop.end(), {
        message: /^docker: cannot start project\d+-web-1: Error response from daemon: .*not a directory/s,
        hint: /verbose/,
      });
    });

    test('a container that compose has made anew meanwhile counts, one that is gone does not', async (test) => {
      const own = await testProject(test, docker, { web: {} });
      const stop = await stopOf(test, { project_directory: own.folder });
      await stop.begin();
      await own.compose('up', '--detach', '--force-recreate');
      await stop.end();
      await own.compose('rm', '--stop', '--force');
      await assert.rejects(stop.end(), {
        message: /^docker: the container project\d+-web-1 is gone$/,
        hint: /starts the whole project/,
      });
    });

    test('a container that had to be killed is a warning', async (test) => {
      const own = await testProject(test, docker, {
        web: { init: false, command: ['sh', '-c', 'while :; do sleep 1; done'] },
      });
      const stop = await stopOf(test, { project_directory: own.folder, stop_timeout: '1s' });
      await stop.begin();
      assert.equal(stop.warnings.length, 1);
      assert.match(
        stop.warnings[0] ?? '',
        /^docker: project\d+-web-1 did not end in time and was killed; set a longer/,
      );
      await stop.end();
    });

    test('a container that does not stay stopped is named', async (test) => {
      const wrapper = join(await tempFolder(test), 'docker');
      await writeProgram(wrapper, `[ "$1" = stop ] || exec docker "$@"`);
      const stop = await stopOf(test, { project_directory: shop.folder }, { docker: `${wrapper} compose` });
      await assert.rejects(stop.begin(), {
        message: /^docker: shop-(web-1, shop-db-1|db-1, shop-web-1) did not stay stopped$/,
        hint: /starts it again/,
      });
    });
  });
}

/** The stop of a task, with its plan made. Every program is run by what `wrap` makes of its command. */
async function stopOf(
  test: TestContext,
  options: object,
  tools: Partial<ToolCommands> = {},
  wrap = (command: Command): Command => command,
) {
  const collector = dockerCollector as Collector as Collector<unknown>;
  const { context: given, warnings } = await collectorTask(test, dockerCollector, tools);
  const run = (command: Command) => given.runner.run(wrap(command));
  const context = { ...given, runner: { ...given.runner, run } };
  const { stop } = collector;
  assert.ok(stop !== undefined);
  const state = await stop.plan(withDefaults(collector, options), context);
  const planned = () => {
    assert.ok(state !== undefined);
    return state;
  };
  return {
    state,
    warnings,
    description: state === undefined ? '' : stop.describe(state),
    begin: () => stop.begin(planned(), context),
    end: () => stop.end(planned(), context),
  };
}
