import assert from 'node:assert/strict';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Collector } from '#common/plugin/collector.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContract, withDefaults } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { findServers, serversCovered } from '#plugins/redis/assets.ts';
import { redisCollector } from '#plugins/redis/redis-collector.ts';
import type { RedisOptions } from '#plugins/redis/redis-schema.ts';
import { type CollectorTask, collectorTask, unpack, withPath, writeProgram } from './rig/collector-task.ts';
import { fakeDocker } from './rig/fake-docker.ts';
import { startFleet } from './rig/fleet.ts';
import { type RedisServer, startRedis } from './rig/redis.ts';
import { freePort } from './rig/storage-servers.ts';

const password = 'a secret word';

describe('redis, with a real server', () => {
  let server: RedisServer;
  let secret: { readonly file: string };
  before(async () => {
    server = await startRedis({ password });
    await server.pipe(everyKind());
    secret = { file: join(server.folder, 'password') };
    await writeFile(secret.file, `${password}\n`, { mode: 0o600 });
  });
  after(() => server.stop());

  collectorContract(redisCollector, {
    good: {
      options: async () => ({ socket: server.socket, password: secret, method: 'bgsave' }),
      holds: ['redis/dump.rdb'],
    },
    failing: { options: async () => ({ port: await freePort() }) },
  });

  for (const method of ['rdb', 'bgsave']) {
    test(`method: ${method}: all comes back by hand on a new server`, async (t) => {
      await server.ask('INCR', 'runs');
      const task = await collectorTask(t, redisCollector);
      await task.collect({ port: server.port, password: secret, method });
      await requireAllBack(t, task);
      assert.doesNotMatch(task.log(), new RegExp(password));
    });
  }

  test('in a container the server saves to its own file, and the password is handed on by name', async (t) => {
    await server.ask('INCR', 'runs');
    const task = await taskWithContainer(t);
    await task.collect({ ...inContainer(), password: secret });
    await requireAllBack(t, task);
    assert.match(task.log(), /docker exec --interactive --env REDISCLI_AUTH cache timeout 30 redis-cli -h 127.0.0.1 /);
    assert.doesNotMatch(task.log(), new RegExp(password));
    const usual = await serversCovered(optionsOf({ ...inContainer(), password: secret }), task.context, server.port);
    assert.deepEqual(usual, { assets: assets(), paths: ['/srv/cache/data'] });
  });

  test('a server that was not written to since its last save is not asked for another one', async (t) => {
    const task = await collectorTask(t, redisCollector);
    const options = { socket: server.socket, password: secret, method: 'bgsave' };
    await server.ask('SAVE');
    const saved = await stat(join(server.folder, 'dump.rdb'), { bigint: true });
    await task.collect(options);
    assert.equal((await stat(join(server.folder, 'dump.rdb'), { bigint: true })).mtimeNs, saved.mtimeNs);
  });

  test('the built program puts no password into log or archive', async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    await fleet.writeService('docker', 'shop', { redis: { port: server.port, password: secret } });
    const { exitCode, stdout, stderr } = await fleet.localBackup('run', '--verbose');
    assert.equal(exitCode, 0, stderr);
    const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
    await run('tar', '-xzf', join(fleet.drop, archive), '-C', fleet.folder, 'docker/shop');
    await run('redis-check-rdb', join(fleet.folder, 'docker/shop/redis/dump.rdb'));
    assert.doesNotMatch(stdout + stderr, new RegExp(password));
    assert.equal(await run('grep', '-rlF', password, join(fleet.folder, 'docker')).catch(() => ''), '');
  });

  test('the server of the usual port is found, and covered by whatever task reaches it', async (t) => {
    const { context } = await collectorTask(t, redisCollector);
    assert.deepEqual(await findServers(context, server.port), assets());
    assert.deepEqual(await findServers(context, await freePort()), []);
    const bySocket = optionsOf({ socket: server.socket, password: secret });
    assert.deepEqual(await serversCovered(bySocket, context, server.port), { assets: assets(), paths: [] });
    const other = await startRedis();
    t.after(() => other.stop());
    const elsewhere = optionsOf({ port: other.port });
    assert.deepEqual(await serversCovered(elsewhere, context, server.port), { assets: [], paths: [] });
  });

  interface Failure {
    readonly title: string;
    readonly options: () => Promise<object>;
    readonly message: RegExp;
    readonly hint: RegExp;
  }

  const failures: readonly Failure[] = [
    {
      title: 'no server',
      options: async () => ({ socket: '/nowhere.sock' }),
      message:
        /^redis: PING at \/nowhere\.sock ended with exit code 1: Could not connect to Redis at \/nowhere\.sock: No such file or directory$/,
      hint: /Is the server up/,
    },
    {
      title: 'a wrong password',
      options: async () => {
        await writeFile(join(server.folder, 'wrong'), 'wrong\n', { mode: 0o600 });
        return { port: server.port, password: { file: join(server.folder, 'wrong') } };
      },
      message: /^redis: PING at 127\.0\.0\.1:\d+ was refused: AUTH failed: WRONGPASS /,
      hint: /wants a password, or another one/,
    },
    {
      title: 'no password',
      options: async () => ({ port: server.port }),
      message: /^redis: PING at 127\.0\.0\.1:\d+ was refused: NOAUTH Authentication required\.$/,
      hint: /password: \{file/,
    },
    {
      title: 'a user that may not do it',
      options: async () => {
        await server.ask('ACL', 'SETUSER', 'weak', 'on', `>${password}`, '+ping');
        return { port: server.port, user: 'weak', password: secret };
      },
      message: /^redis: having the data of 127\.0\.0\.1:\d+ sent ended with exit code 1: .*NOPERM/,
      hint: /"rdb" needs|needs \+ping/,
    },
    {
      title: 'a container, and method: rdb',
      options: async () => ({ container: 'cache', method: 'rdb' }),
      message: /^redis: method: rdb cannot be had in a container$/,
      hint: /Leave method out/,
    },
    {
      title: 'a container that is gone',
      options: async () => ({ container: 'gone' }),
      message: /^redis: redis-cli at 127\.0\.0\.1:6379 in gone ended with exit code 1: .*No such container: gone$/,
      hint: /docker ps/,
    },
  ];
  for (const { title, options, message, hint } of failures) {
    test(`${title}: the task fails with a hint and leaves nothing`, async (t) => {
      const task = await taskWithContainer(t);
      await assert.rejects(task.collect(await options()), { name: 'BackupError', message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
    });
  }

  test('a server that cannot save fails the task', async (t) => {
    const full = await startRedis();
    t.after(() => full.stop());
    await mkdir(join(full.folder, 'dump.rdb/in-the-way'), { recursive: true });
    const task = await collectorTask(t, redisCollector);
    await assert.rejects(task.collect({ port: full.port, method: 'bgsave' }), {
      message: `redis: 127.0.0.1:${full.port} could not save its data`,
      hint: /own log/,
    });
  });

  const inContainer = () => ({ container: 'cache', port: server.port });
  const assets = () => [{ kind: 'Redis server', name: `localhost:${server.port}` }];

  async function taskWithContainer(t: TestContext): Promise<CollectorTask> {
    const docker = await fakeDocker(await tempFolder(t));
    await docker.set('cache', { state: 'running', env: {}, mounts: ['/srv/cache/data:/data'] });
    return collectorTask(t, redisCollector, { docker: `${docker.docker} compose` });
  }

  async function requireAllBack(t: TestContext, { archive }: CollectorTask): Promise<void> {
    const unpacked = await tempFolder(t);
    await unpack(archive, unpacked);
    const fresh = await startRedis({ rdb: join(unpacked, 'redis/dump.rdb') });
    t.after(() => fresh.stop());
    assert.equal(await fresh.digest(), await server.digest());
    assert.equal(await fresh.ask('HGET', 'hash', 'f7'), 'seven');
  }
});

describe('redis, when its programs do not do what they should', () => {
  const failures = [
    {
      title: 'is not there',
      script: undefined,
      message: /^redis: there is no redis-cli where 127\.0\.0\.1:6379 is$/,
      hint: /apt-get install/,
    },
    {
      title: 'is another program',
      script: 'echo hello',
      message: /does not answer PING as Redis does: hello$/,
      hint: /port/,
    },
    {
      title: 'sends nothing',
      script: ': > "$6"',
      message: /^redis: the data of 127\.0\.0\.1:6379 is empty$/,
      hint: /own log/,
    },
    { title: 'sends a part', script: 'printf REDIS0010cut > "$6"', message: /6379 is cut off$/, hint: /own log/ },
    {
      title: 'sends something else',
      script: 'echo sorry, not today > "$6"',
      message: /does not begin as an RDB file does$/,
      hint: /./,
    },
    {
      title: 'sends damaged data',
      script: 'printf \'REDIS0010\\177bad\\377checksum\' > "$6"',
      message: /^redis: checking the data of .*offset \d+/,
      hint: /./,
    },
    {
      title: 'never ends',
      script: 'exec sleep 60',
      message: /^redis: having the data of \S+ sent took too long and was ended$/,
      hint: /longer timeout/,
    },
  ];
  for (const { title, script, message, hint } of failures) {
    test(`redis-cli ${title}`, async (t) => {
      const task = await collectorTask(t, redisCollector);
      const bin = join(task.folder, 'bin');
      const answers = title.startsWith('is') ? '' : 'case "$*" in *--version) exit;; *PING) echo PONG; exit;; esac';
      if (script !== undefined) await writeProgram(join(bin, 'redis-cli'), `${answers}\n${script}`);
      withPath(t, script === undefined ? bin : `${bin}:${process.env.PATH}`);
      await assert.rejects(task.collect({ timeout: '1s' }), { name: 'BackupError', message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
    });
  }

  test('a server that saves where we cannot see it is told', async (t) => {
    const task = await collectorTask(t, redisCollector);
    const bin = join(task.folder, 'bin');
    await writeProgram(
      join(bin, 'redis-cli'),
      'case "$*" in *PING) echo PONG;; *dir) printf "dir\\n/nowhere\\n";; *) printf "dbfilename\\ndump.rdb\\n";; esac',
    );
    withPath(t, `${bin}:${process.env.PATH}`);
    await assert.rejects(task.check({ method: 'bgsave' }), {
      message: 'redis: 127.0.0.1:6379 saves to /nowhere, which is not there on this machine',
      hint: /container:, or method: rdb/,
    });
  });
});

/** Commands that leave a key of every kind, and many of one. */
function everyKind(): string[] {
  return [
    ...Array.from({ length: 2000 }, (_, n) => `SET key:${n} value-${n}`),
    'HSET hash f7 seven f8 eight',
    'RPUSH list a b c',
    'SADD set a b c',
    'ZADD scores 1 a 2.5 b',
    'XADD stream 1-1 field value',
    'PFADD log a b c',
    'SET gone-in-a-year x EX 31536000',
    'SELECT 3',
    'SET other database',
  ];
}

/** Valid by the schema, whose defaults are filled in. */
function optionsOf(given: object): RedisOptions {
  return withDefaults(redisCollector as Collector<unknown>, given) as RedisOptions;
}

async function run(file: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execaRunner().run({ file, args });
  assert.equal(exitCode, 0, stdout + stderr);
  return stdout;
}
