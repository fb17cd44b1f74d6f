import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { databasesOfMachine } from '#plugins/postgresql/assets.ts';
import { postgresqlCollector } from '#plugins/postgresql/postgresql-collector.ts';
import { collectorTask, unpack } from './rig/collector-task.ts';
import { fakeDocker } from './rig/fake-docker.ts';
import { startFleet } from './rig/fleet.ts';
import { type PostgresqlServer, postgresqlProblem, startPostgresql } from './rig/postgresql.ts';
import { sandboxed, sandboxProblem } from './rig/sandbox.ts';

const problem = await postgresqlProblem();
const noSandbox = await sandboxProblem();
const password = 'a secret word';

describe('postgresql, with a real server', { skip: problem ?? false }, () => {
  let server: PostgresqlServer;
  before(async () => {
    server = await startPostgresql();
    await server.sql('postgres', `create role app login password '${password}'`);
    await server.sql('postgres', 'create database shop owner app');
    await server.sql('shop', content);
    await server.sql('postgres', `create database "it's = ä/b"`);
  });
  after(() => server.stop());

  const bySocket = () => ({ host: server.socketFolder, port: server.port });

  collectorContract(postgresqlCollector, {
    good: {
      options: async () => ({
        ...bySocket(),
        database: 'shop',
        format: 'plain',
        dump_options: '--restrict-key=same', // its first and last lines have a random word otherwise
      }),
      holds: ['databases/shop.sql'],
    },
    failing: { options: async () => ({ ...bySocket(), database: 'gone' }) },
  });

  for (const format of ['custom', 'directory', 'plain'] as const) {
    test(`${format}: all databases and the roles come back by hand on a new server`, async (t) => {
      const task = await collectorTask(t, postgresqlCollector);
      await task.collect({ ...bySocket(), databases: 'all', globals: true, format });
      const ending = { custom: '.dump', directory: '/toc.dat', plain: '.sql' }[format];
      for (const name of ["it's = ä%2Fb", 'postgres', 'shop']) {
        assert.ok(task.archive.entries.has(`databases/${name}${ending}`), name);
      }
      assert.deepEqual(await readdir(task.context.workFolder), []);
      await unpack(task.archive, task.folder);
      const fresh = await startPostgresql();
      t.after(() => fresh.stop());
      await restoreByHand(fresh, task.folder, format);
      assert.equal(await fresh.sql('shop', facts), await server.sql('shop', facts));
      await fresh.sql('shop', "set role app; insert into orders (what) values ('after the restore')");
    });
  }

  test('the built program dumps by the spelling of older configurations, and no secret is in log or archive', async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    const pgpass = join(fleet.folder, 'pgpass');
    await writeFile(pgpass, `127.0.0.1:${server.port}:shop:app:${password}\n`, { mode: 0o600 });
    const connection = { hostname: '127.0.0.1', port: server.port, username: 'app', pgpass };
    await fleet.writeService('docker', 'shop', {
      postgresql: { ...connection, database: 'shop', dump_options: '--clean --if-exists' },
    });
    await fleet.writeClientConfig();
    const { exitCode, stdout, stderr } = await fleet.localBackup('run', '--verbose');
    assert.equal(exitCode, 0, stderr);
    const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
    const folder = join(fleet.folder, 'unpacked');
    await mkdir(folder);
    await run('tar', '-xzf', join(fleet.drop, archive), '-C', folder);
    const dump = join(folder, 'docker/shop/databases/shop.dump');
    assert.match(await run('pg_restore', '--list', dump), /TABLE DATA public orders app/);
    assert.doesNotMatch(stdout + stderr, new RegExp(password));
    assert.doesNotMatch(await run('grep', '-rlF', password, folder).catch(() => ''), /./);
  });

  test('in the sandbox of its unit the built program dumps as the account postgres, also into a folder', {
    skip: noSandbox ?? false,
  }, async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    await fleet.writeService('other', 'custom', { postgresql: { ...bySocket(), database: 'shop', globals: true } });
    await fleet.writeService('other', 'folder', {
      postgresql: { ...bySocket(), database: 'shop', format: 'directory', dump_options: '--jobs=2' },
    });
    const writable = [fleet.drop, join(fleet.folder, 'client-state'), join(fleet.folder, 'client-run')];
    for (const path of writable) await mkdir(path, { recursive: true, mode: 0o700 });
    const args = ['dist/bin/local-backup', 'run', '--config-dir', join(fleet.folder, 'client')];
    const unit = await readFile('systemd/local-backup.service', 'utf8');
    const result = await execaRunner().run(sandboxed(unit, writable, { file: process.execPath, args }));
    assert.equal(result.exitCode, 0, result.stdout + result.stderr);
    const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
    const list = await run('tar', '-tvzf', join(fleet.drop, archive), '--numeric-owner');
    assert.match(list, /^-rw------- 0\/0 .* other\/custom\/databases\/shop\.dump$/m);
    assert.match(list, /^-rw-r--r-- 0\/0 .* other\/folder\/databases\/shop\/toc\.dat$/m);
  });

  test('in a container the password is handed on by name, and what the server has counts as saved', async (t) => {
    const folder = await tempFolder(t);
    const docker = await fakeDocker(folder);
    const mounts = ['/srv/shop/db:/var/lib/postgresql/data', '/srv/shop/config:/etc/postgresql'];
    await docker.set('db', { state: 'running', env: { PGPORT: String(server.port) }, mounts });
    const file = join(folder, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    const container = { compose_file: '/srv/shop/compose.yaml', service: 'db' };
    const options = { container, host: '127.0.0.1', user: 'app', database: 'shop', password: { file } };

    const task = await collectorTask(t, postgresqlCollector, { docker: `${docker.docker} compose` });
    await task.collect(options);
    assert.ok((task.archive.entries.get('databases/shop.dump')?.length ?? 0) > 100_000);
    assert.match(task.log(), /docker exec --interactive .*--env PGPASSWORD db timeout \d+ pg_dump /);
    assert.doesNotMatch(task.log(), new RegExp(password));
    assert.deepEqual(await task.coverage(options), { assets: [], paths: [] });
    const both = { ...options, database: undefined, databases: ['shop', "it's = ä/b"] };
    assert.deepEqual(await task.coverage(both), { assets: [], paths: ['/srv/shop/db'] });
  });

  test('the databases of this machine are found by its sockets, and a task covers its own', async (t) => {
    const task = await collectorTask(t, postgresqlCollector);
    const found = await databasesOfMachine(task.context, server.socketFolder);
    const own = ["it's = ä/b", 'shop'].map((name) => ({
      kind: 'PostgreSQL database',
      name: `${server.port}/${name}`,
    }));
    assert.deepEqual(found, own);
    const coverage = await task.coverage({ ...bySocket(), database: 'shop' });
    assert.deepEqual(coverage, { assets: [own[1]], paths: [] });
  });

  test('where there is no server, or a socket that a dead one left, nothing is found', async (t) => {
    const { context, folder } = await collectorTask(t, postgresqlCollector);
    assert.deepEqual(await databasesOfMachine(context, join(folder, 'missing')), []);
    await chmod(folder, 0o755);
    await writeFile(join(folder, '.s.PGSQL.5432'), '');
    await chmod(join(folder, '.s.PGSQL.5432'), 0o777);
    assert.deepEqual(await databasesOfMachine(context, folder), []);
  });
});

const content = `
  set role app;
  create table orders (id serial primary key, what text not null, bytes bytea);
  insert into orders (what, bytes) select 'Größe ' || n || E'\\t\\\\', decode(md5(n::text), 'hex') from generate_series(1, 20000) n;
  create view totals as select count(*) from orders;
  create function twice(n int) returns int language sql as 'select 2 * n';
  select lo_from_bytea(4711, 'a large object');`;

const facts = `
  select count(*), md5(string_agg(o::text, ',' order by id)) from orders o;
  select * from totals; select twice(21); select lo_get(4711); select last_value from orders_id_seq;
  select relname, relowner::regrole, relacl from pg_class where relnamespace = 'public'::regnamespace order by 1;
  select datdba::regrole from pg_database where datname = 'shop'; select rolpassword from pg_authid where rolname = 'app'`;

/** As the README says it. */
async function restoreByHand(fresh: PostgresqlServer, folder: string, format: string): Promise<void> {
  await fresh.client('psql', '--quiet', '--dbname=postgres', `--file=${join(folder, 'globals.sql')}`);
  if (format === 'plain') {
    await fresh.client('createdb', '--owner=app', 'shop');
    await fresh.client('psql', '--quiet', '--dbname=shop', `--file=${join(folder, 'databases/shop.sql')}`);
    return;
  }
  const dump = join(folder, format === 'custom' ? 'databases/shop.dump' : 'databases/shop');
  await fresh.client('pg_restore', '--create', '--exit-on-error', '--dbname=postgres', dump);
}

async function run(file: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execaRunner().run({ file, args });
  assert.equal(exitCode, 0, stderr);
  return stdout;
}
