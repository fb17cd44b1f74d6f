import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { findServers } from '#plugins/influxdb/assets.ts';
import { influxdbCollector } from '#plugins/influxdb/influxdb-collector.ts';
import { type CollectorTask, collectorTask, unpack, withPath, writeProgram } from './rig/collector-task.ts';
import { type FakeInflux, fakeInflux, type InfluxState } from './rig/fake-influx.ts';
import { startFleet } from './rig/fleet.ts';
import { type InfluxdbServer, startInfluxdb } from './rig/influxdb.ts';
import { waitFor } from './rig/running.ts';
import { freePort } from './rig/storage-servers.ts';

const token = 'a-secret-token';
const buckets = [
  { org: 'shop', name: 'sales', data: 'points of sales' },
  { org: 'shop', name: 'stock', data: 'points of stock' },
  { org: 'wiki', name: 'visits', data: 'points of visits' },
];

describe('influxdb, version 1, with a real server', () => {
  let server: InfluxdbServer;
  before(async () => {
    server = await startInfluxdb();
    for (const name of ['metrics', 'other', 'empty']) await server.query('', `CREATE DATABASE ${name}`);
    for (const name of ['metrics', 'other'])
      await server.write(
        name,
        Array.from({ length: 5000 }, (_, n) => `cpu,host=a v=${n} ${1_700_000_000_000_000_000 + n}`),
      );
  });
  after(() => server.stop());

  const points = 'SELECT count(v), sum(v) FROM cpu';

  test('all databases come back by hand on a new server', async (t) => {
    const task = await collectorTask(t, influxdbCollector);
    await task.collect({ version: 1, host: server.rpcAddress });
    const fresh = await restoreByHand(t, task);
    for (const name of ['metrics', 'other'])
      assert.equal(await fresh.query(name, points), await server.query(name, points));
  });

  test('a single database comes back alone', async (t) => {
    const task = await collectorTask(t, influxdbCollector);
    await task.collect({ version: 1, host: server.rpcAddress, database: 'metrics' });
    const fresh = await restoreByHand(t, task);
    assert.equal(await fresh.query('metrics', points), await server.query('metrics', points));
    assert.equal(await fresh.query('other', points), ''); // its name comes with the metadata of all
  });

  test('the built program finds out that it is version 1', async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    await fleet.writeService('other', 'metrics', { influxdb: { host: server.rpcAddress } });
    const { exitCode, stderr } = await fleet.localBackup('run');
    assert.equal(exitCode, 0, stderr);
  });

  test('a database that is not there fails the task', async (t) => {
    const task = await collectorTask(t, influxdbCollector);
    await assert.rejects(task.collect({ version: 1, host: server.rpcAddress, database: 'gone' }), {
      message: /^influxdb: influxd backup ended with exit code 1: .*backup: EOF$/,
      hint: /no such database/,
    });
    assert.deepEqual([...task.archive.entries.keys()], []);
  });

  test('a backup that is cut off on its way fails the task', async (t) => {
    const task = await collectorTask(t, influxdbCollector);
    const bin = join(task.folder, 'bin');
    await writeProgram(
      join(bin, 'influxd'),
      '/usr/bin/influxd "$@" || exit; case $1 in backup) truncate --size=-20 "$5"/*.s2.tar.gz;; esac',
    );
    withPath(t, `${bin}:${process.env.PATH}`);
    await assert.rejects(task.collect({ version: 1, host: server.rpcAddress }), {
      message: /^influxdb: the backup is (damaged: \S+\.gz|cut off: \S+\.gz has \d+ bytes of \d+)$/,
      hint: /disk full/,
    });
  });

  test('the server of the usual port is found, whatever its version, and covered by a task for all of it', async (t) => {
    const { context, coverage } = await collectorTask(t, influxdbCollector);
    const assets = [{ kind: 'InfluxDB server', name: `localhost:${server.port}` }];
    assert.deepEqual(await findServers(context, server.port), assets);
    assert.deepEqual(await findServers(context, await freePort()), []);
    const usual = [{ kind: 'InfluxDB server', name: 'localhost:8086' }];
    assert.deepEqual(await coverage({ version: 1 }), { assets: usual, paths: [] });
    for (const options of [{ database: 'metrics' }, { host: 'db.example.org:8088' }])
      assert.deepEqual(await coverage({ version: 1, ...options }), { assets: [], paths: [] });
  });

  test('no server, or no address, fails before anything is done', async (t) => {
    const task = await collectorTask(t, influxdbCollector);
    const address = `127.0.0.1:${await freePort()}`;
    await assert.rejects(task.check({ version: 1, host: address }), {
      message: `influxdb: nothing answers at ${address}`,
      hint: /influxdb\.service/,
    });
    await assert.rejects(task.check({ version: 1, host: 'localhost' }), {
      message: 'influxdb: host is "localhost", which is no address of version 1',
      hint: /host:port/,
    });
  });

  async function restoreByHand(t: TestContext, { archive }: CollectorTask): Promise<InfluxdbServer> {
    const folder = await tempFolder(t);
    await unpack(archive, folder);
    const fresh = await startInfluxdb();
    t.after(() => fresh.stop());
    const args = ['restore', '-portable', '-host', fresh.rpcAddress, join(folder, 'influxdb_backup')];
    const { exitCode, stdout, stderr } = await execaRunner().run({ file: 'influxd', args });
    assert.equal(exitCode, 0, stdout + stderr);
    const isOpen = () => fresh.query('metrics', points).then(Boolean, () => false); // shards open after it has ended
    await waitFor(isOpen);
    return fresh;
  }
});

describe('influxdb, version 2, with a program that stands for influx and its server', () => {
  const path = process.env.PATH ?? '';
  let folder: string;
  let influx: FakeInflux;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'influx-'));
    influx = await fakeInflux(folder);
    await influx.set({ token, buckets });
    await writeFile(join(folder, 'token'), `${token}\n`, { mode: 0o600 });
    process.env.PATH = `${influx.bin}:${path}`;
  });
  after(async () => {
    process.env.PATH = path;
    await rm(folder, { recursive: true });
  });

  const secret = () => ({ token: { file: join(folder, 'token') } });
  const files = [
    '',
    '20260801T030512Z.1.tar',
    '20260801T030512Z.2.tar',
    '20260801T030512Z.bolt',
    '20260801T030512Z.manifest',
    '20260801T030512Z.sqlite',
  ];

  collectorContract(influxdbCollector, {
    good: {
      options: async () => ({ ...secret(), org: 'shop' }),
      holds: files.map((name) => `influxdb_backup/${name}`),
    },
    failing: { options: async () => ({ ...secret(), bucket: 'gone' }) },
  });

  test('all buckets come back by hand', async (t) => {
    const task = await collectorTask(t, influxdbCollector);
    await task.collect(secret());
    assert.match(task.log(), /influx backup --host http:\/\/localhost:8086 --compression none \S+/);
    assert.doesNotMatch(task.log(), new RegExp(token));
    const unpacked = await tempFolder(t);
    await unpack(task.archive, unpacked);
    await influx.set({ token, buckets: [] });
    const command = {
      file: 'influx',
      args: ['restore', '--full', join(unpacked, 'influxdb_backup')],
      env: { INFLUX_TOKEN: token },
    };
    assert.equal((await execaRunner().run(command)).exitCode, 0);
    assert.deepEqual(await influx.buckets(), buckets);
  });

  test('a token in service.yaml is taken with a warning, and is in no log', async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    await fleet.writeService('other', 'metrics', {
      influxdb: { host: 'http://localhost:8086', token, org: 'shop', bucket: 'sales' },
    });
    const { exitCode, stdout, stderr } = await fleet.localBackup('run', '--verbose');
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /warning: influxdb: the token stands in service\.yaml, which lies in every archive/);
    assert.doesNotMatch(stdout + stderr, new RegExp(token));
  });

  test('a task for the whole server covers it', async (t) => {
    const { coverage } = await collectorTask(t, influxdbCollector);
    assert.deepEqual(await coverage(secret()), {
      assets: [{ kind: 'InfluxDB server', name: 'localhost:8086' }],
      paths: [],
    });
    for (const options of [{ bucket: 'sales' }, { host: 'https://db.example.org:8086' }])
      assert.deepEqual(await coverage(options), { assets: [], paths: [] });
  });

  interface Failure {
    readonly title: string;
    readonly fault?: InfluxState['fault'];
    readonly options: () => object;
    readonly message: RegExp;
    readonly hint: RegExp;
  }

  const failures: readonly Failure[] = [
    {
      title: 'a server that is down',
      fault: 'down',
      options: secret,
      message: /^influxdb: influx ping ended with exit code 1: .*connection refused$/,
      hint: /Is the server up/,
    },
    {
      title: 'a wrong token',
      options: () => ({ token: 'wrong' }),
      message: /^influxdb: influx backup ended with exit code 1: .*401 Unauthorized/,
      hint: /operator token/,
    },
    {
      title: 'a token that is not there',
      options: () => ({ token: { file: '/nowhere/token' } }),
      message: /^influxdb: the token cannot be read$/,
      hint: /root's own/,
    },
    {
      title: 'a bucket that is gone',
      options: () => ({ ...secret(), bucket: 'gone' }),
      message: /^influxdb: the backup holds nothing of gone$/,
      hint: /bucket list/,
    },
    {
      title: 'an organization that is gone',
      options: () => ({ ...secret(), org: 'gone' }),
      message: /^influxdb: the backup holds no bucket and no database$/,
      hint: /bucket list/,
    },
    {
      title: 'a program that writes nothing',
      fault: 'nothing',
      options: secret,
      message: /^influxdb: the backup is empty$/,
      hint: /ended well/,
    },
    {
      title: 'a program that stops in the middle',
      fault: 'missing',
      options: secret,
      message: /^influxdb: the backup has no manifest$/,
      hint: /broken off/,
    },
    {
      title: 'a file that is cut off',
      fault: 'half',
      options: secret,
      message: /^influxdb: the backup is cut off: \S+\.1\.tar has 14 bytes of 15$/,
      hint: /disk full/,
    },
    {
      title: 'an option of version 1',
      options: () => ({ database: 'metrics' }),
      message: /^influxdb: database is for version 1, and the program here is that of version 2$/,
      hint: /version: 1/,
    },
  ];
  for (const { title, fault, options, message, hint } of failures) {
    test(`${title}: the task fails with a hint and leaves nothing`, async (t) => {
      await influx.set({ token, buckets, ...(fault !== undefined && { fault }) });
      t.after(() => influx.set({ token, buckets }));
      const task = await collectorTask(t, influxdbCollector);
      await assert.rejects(task.collect(options()), { name: 'BackupError', message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
    });
  }

  test('a backup that takes too long is ended', async (t) => {
    const task = await collectorTask(t, influxdbCollector);
    const bin = join(task.folder, 'bin');
    await writeProgram(
      join(bin, 'influx'),
      `case $1 in backup) exec sleep 60;; *) exec ${influx.bin}/influx "$@";; esac`,
    );
    withPath(t, `${bin}:${process.env.PATH}`);
    await assert.rejects(task.collect({ ...secret(), timeout: '1s' }), {
      message: 'influxdb: influx backup took too long and was ended',
    });
  });

  const programs = [
    {
      version: undefined,
      script: undefined,
      message: 'influxdb: there is neither influx of version 2 nor influxd of version 1',
    },
    { version: 1, script: undefined, message: 'influxdb: there is no influxd' },
    { version: 2, script: undefined, message: 'influxdb: there is no influx' },
    {
      version: 2,
      script: 'echo "unknown arguments: version" >&2; exit 1',
      message: 'influxdb: there is no influx of version 2, only an older one',
    },
    {
      version: 1,
      script: 'echo "InfluxDB v1.3.5 (git: master)"',
      message: 'influxdb: there is influxd 1.3.5, which cannot make a backup for this',
    },
  ];
  for (const { version, script, message } of programs) {
    test(`without the right program: ${message}`, async (t) => {
      const task = await collectorTask(t, influxdbCollector);
      const bin = join(task.folder, 'bin');
      if (script !== undefined) await writeProgram(join(bin, version === 1 ? 'influxd' : 'influx'), script);
      withPath(t, bin);
      await assert.rejects(task.check({ version }), { message, hint: /influxdb2-cli/ });
    });
  }
});
