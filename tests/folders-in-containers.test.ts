import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Collector } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { influxdbCollector } from '#plugins/influxdb/influxdb-collector.ts';
import { postgresqlCollector } from '#plugins/postgresql/postgresql-collector.ts';
import { collectorTask, unpack, writeProgram } from './rig/collector-task.ts';
import { fakeDocker } from './rig/fake-docker.ts';
import { fakeInflux } from './rig/fake-influx.ts';
import { startInfluxdb } from './rig/influxdb.ts';
import { type PostgresqlServer, postgresqlProblem, startPostgresql } from './rig/postgresql.ts';
import { asAccount } from './rig/server-process.ts';

/** A task of a running container `db` that has a folder of programs of its own, and the folder it fills in there. */
async function taskInContainer(t: TestContext, collector: Collector, env: Readonly<Record<string, string>> = {}) {
  const folder = await tempFolder(t);
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await chmod(folder, 0o755); // the account postgres looks for programs there
  const docker = await fakeDocker(folder);
  const mounts = ['/srv/influx:/var/lib/influxdb', '/srv/influx2:/var/lib/influxdb2'];
  const PATH = `${bin}:${env.PATH ?? process.env.PATH}`;
  await docker.set('db', { state: 'running', env: { ...env, PATH }, mounts, ports: ['0.0.0.0:8086', '[::]:8086'] });
  const task = await collectorTask(t, collector, { docker: `${docker.docker} compose` });
  return { task, bin, inside: `/tmp/backup-suite-test-service-${collector.name}` };
}

const postgresql = await postgresqlProblem();

describe('postgresql: a folder from a container', { skip: postgresql ?? false }, () => {
  let server: PostgresqlServer;
  before(async () => {
    server = await startPostgresql();
    await server.sql('postgres', 'create database shop');
    await server.sql('shop', 'create table orders as select n, md5(n::text) from generate_series(1, 1000) n');
  });
  after(() => server.stop());

  const options = () => ({
    ...{ container: 'db', host: server.socketFolder, port: server.port, run_as: 'postgres' },
    ...{ database: 'shop', format: 'directory', dump_options: '--jobs=2' },
  });

  test('is dumped there, comes here, and is removed there, with what a run that was killed had left', async (t) => {
    const { task, inside } = await taskInContainer(t, postgresqlCollector, {
      PATH: `${server.programs}:/usr/bin:/bin`,
    });
    await run(asAccount('postgres', { file: 'mkdir', args: ['-p', join(inside, 'left')] }));
    await task.collect(options());
    assert.equal(existsSync(inside), false);
    assert.deepEqual(await readdir(task.context.workFolder), []);
    await unpack(task.archive, task.folder);
    await server.sql('postgres', 'create database copy');
    await server.client('pg_restore', '--dbname=copy', join(task.folder, 'databases/shop'));
    const facts = 'select count(*), max(md5) from orders';
    assert.equal(await server.sql('copy', facts), await server.sql('shop', facts));
  });

  const bad = [
    {
      title: 'that breaks off on its way',
      program: 'tar',
      script: '/usr/bin/tar "$@" | head --bytes=20000',
      message: /^postgresql: the dump of shop: unpacking it ended with exit code 2: .*Unexpected EOF/,
    },
    {
      title: 'that cannot be packed',
      program: 'tar',
      script: 'exit 127',
      message: /^postgresql: the dump of shop: reading it from the container ended with exit code 127/,
    },
    {
      title: 'that cannot be made',
      program: 'mkdir',
      script: 'echo "mkdir: no space" >&2; exit 1',
      message:
        /^postgresql: the dump of shop: making a folder in the container ended with exit code 1: mkdir: no space$/,
    },
    {
      title: 'that cannot be read back',
      program: 'pg_restore',
      script: 'case $1 in --version) echo "pg_restore (PostgreSQL) 99";; *) echo broken >&2; exit 1;; esac',
      message: /^postgresql: the dump of shop cannot be read back: pg_restore ended with exit code 1: broken$/,
    },
  ] as const;
  for (const { title, program, script, message } of bad) {
    test(`${title} fails the task and leaves nothing`, async (t) => {
      const { task, bin, inside } = await taskInContainer(t, postgresqlCollector, {
        PATH: `${server.programs}:/usr/bin:/bin`,
      });
      await writeProgram(join(bin, program), script);
      await assert.rejects(task.collect(options()), { name: 'BackupError', message });
      assert.deepEqual([...task.archive.entries.keys()], []);
      assert.deepEqual(await readdir(task.context.workFolder), []);
      assert.equal(existsSync(inside), false);
    });
  }
});

describe('influxdb: a backup from a container', () => {
  test('of version 1 is made there by influxd, and comes back by hand', async (t) => {
    const [server, fresh] = [await startInfluxdb(), await startInfluxdb()];
    t.after(() => Promise.all([server.stop(), fresh.stop()]));
    await server.query('', 'CREATE DATABASE metrics');
    await server.write('metrics', ['cpu v=1 1700000000000000000', 'cpu v=2 1700000000000000001']);
    const { task, inside } = await taskInContainer(t, influxdbCollector);
    const options = { container: 'db', version: 1, host: server.rpcAddress };
    await task.collect(options);
    assert.equal(existsSync(inside), false);
    await unpack(task.archive, task.folder);
    const args = ['restore', '-portable', '-host', fresh.rpcAddress, join(task.folder, 'influxdb_backup')];
    await run({ file: 'influxd', args });
    assert.match(await fresh.query('', 'SHOW DATABASES'), /metrics/);
    const server8086 = { kind: 'InfluxDB server', name: 'localhost:8086' };
    assert.deepEqual(await task.coverage(options), { assets: [server8086], paths: ['/srv/influx'] });
    assert.deepEqual(await task.coverage({ ...options, database: 'metrics' }), { assets: [], paths: [] });
  });

  test('of version 2 is made there by influx, its token handed on by name', async (t) => {
    const influx = await fakeInflux(await tempFolder(t));
    const token = 'a-secret-token';
    await influx.set({ token, buckets: [{ org: 'shop', name: 'sales', data: 'points' }] });
    const { task, inside } = await taskInContainer(t, influxdbCollector, { PATH: `${influx.bin}:${process.env.PATH}` });
    const file = join(task.folder, 'token');
    await writeFile(file, token, { mode: 0o600 });
    const options = { container: { compose_file: '/srv/compose.yaml', service: 'db' }, token: { file } };
    await task.collect(options);
    assert.equal(task.archive.entries.get('influxdb_backup/20260801T030512Z.1.tar')?.toString(), 'points');
    assert.match(task.log(), /--env INFLUX_TOKEN db timeout \d+ influx backup /);
    assert.doesNotMatch(task.log(), new RegExp(token));
    assert.equal(existsSync(inside), false);
    assert.deepEqual((await task.coverage(options))?.paths, ['/srv/influx2']);
    await influx.set({ token: 'another', buckets: [] });
    await assert.rejects(task.collect(options), { message: /^influxdb: influx backup ended with exit code 1: .*401/ });
    assert.equal(existsSync(inside), false);
  });

  test('without the programs in the container says so', async (t) => {
    const { task } = await taskInContainer(t, influxdbCollector, { PATH: '/nowhere' });
    await assert.rejects(task.check({ container: 'db' }), {
      message: 'influxdb: there is neither influx of version 2 nor influxd of version 1 in the container',
      hint: /must be the one of the server/,
    });
  });
});

async function run(command: Command): Promise<void> {
  const { exitCode, stdout, stderr } = await execaRunner().run(command);
  assert.equal(exitCode, 0, stdout + stderr);
}
