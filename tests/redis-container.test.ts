import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { redisCollector } from '#plugins/redis/redis-collector.ts';
import { collectorTask, unpack } from './rig/collector-task.ts';
import { startProject } from './rig/compose-project.ts';
import { startDocker, type TestDocker } from './rig/docker.ts';
import { startRedis } from './rig/redis.ts';
import { waitFor } from './rig/running.ts';

const engine = await startDocker().catch(String);
if (typeof engine === 'string') test('Redis in a container of a real engine', { skip: engine }, () => undefined);
else provenOn(engine);

function provenOn(docker: TestDocker): void {
  Object.assign(process.env, docker.env);
  after(() => docker.stop());

  test('Redis in a container is saved there, its password handed on by name, and comes back by hand', async (t) => {
    const data = join(docker.folder, 'redis-data');
    await mkdir(data);
    // the image is empty: the programs are those of this machine
    const own = ['/usr/lib64:/lib64', '/usr/lib:/lib', '/usr/bin:/bin', '/usr:/usr', '/etc:/etc'];
    const { folder, compose } = await startProject(docker, 'cache', {
      redis: {
        command: [
          'redis-server',
          '--dir',
          '/data',
          '--requirepass',
          'secret',
          '--save',
          '',
          '--enable-debug-command',
          'yes',
        ],
        volumes: [...own.map((each) => `${each}:ro`), `${data}:/data`],
      },
    });
    const ask = (...words: string[]) =>
      compose('exec', '-T', '--env', 'REDISCLI_AUTH=secret', 'redis', 'redis-cli', '-e', ...words);
    await waitFor(() => ask('PING').then(Boolean, () => false));
    for (let n = 0; n < 10; n += 1) await ask('SET', `key:${n}`, `value ${n}`);

    const task = await collectorTask(t, redisCollector);
    await writeFile(join(task.folder, 'password'), 'secret\n', { mode: 0o600 });
    const container = { compose_file: join(folder, 'compose.yaml'), service: 'redis' };
    const options = { container, password: { file: join(task.folder, 'password') } };
    await task.collect(options);
    assert.doesNotMatch(task.log(), /secret/);
    assert.deepEqual((await task.coverage(options))?.paths, [data]);
    await unpack(task.archive, task.folder);
    const fresh = await startRedis({ rdb: join(task.folder, 'redis/dump.rdb') });
    t.after(() => fresh.stop());
    assert.equal(await fresh.digest(), (await ask('DEBUG', 'DIGEST')).trim());
  });
}
