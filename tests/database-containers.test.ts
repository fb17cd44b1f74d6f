import assert from 'node:assert/strict';
import { chmod, chown, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { mariadbCollector } from '#plugins/mariadb/mariadb-collector.ts';
import { postgresqlCollector } from '#plugins/postgresql/postgresql-collector.ts';
import { collectorTask, unpack } from './rig/collector-task.ts';
import { startProject, type TestProject } from './rig/compose-project.ts';
import { startDocker, type TestDocker } from './rig/docker.ts';
import { mariadbProblem } from './rig/mariadb.ts';
import { postgresqlProblem, serverPrograms } from './rig/postgresql.ts';
import { waitFor } from './rig/running.ts';
import { asAccount, idsOf } from './rig/server-process.ts';

const engine = (await postgresqlProblem()) ?? (await mariadbProblem()) ?? (await startDocker().catch(String));
if (typeof engine === 'string') test('databases in containers of a real engine', { skip: engine }, () => undefined);
else await provenOn(engine);

async function provenOn(docker: TestDocker): Promise<void> {
  Object.assign(process.env, docker.env);
  after(() => docker.stop());
  const project = await startDatabases(docker).catch(async (error: unknown) => {
    await docker.stop();
    throw error;
  });
  const compose_file = join(project.folder, 'compose.yaml');
  const inside = (service: string, ...args: string[]) => project.compose('exec', '-T', service, ...args);
  const psql = (database: string, sql: string) =>
    inside('postgres', 'psql', '-U', 'postgres', '-qAt', '-d', database, '-c', sql);

  test('PostgreSQL in a container is dumped by its own programs, and comes back there', async (t) => {
    await psql('postgres', 'create database shop');
    await psql('shop', 'create table orders as select n, md5(n::text) from generate_series(1, 20000) n');
    const task = await collectorTask(t, postgresqlCollector);
    const options = { container: { compose_file, service: 'postgres' }, database: 'shop' };
    await task.collect({ ...options, globals: true });
    assert.deepEqual([...task.archive.entries.keys()], ['globals.sql', 'databases/shop.dump']);
    await psql('postgres', 'create database copy');
    const input = task.archive.entries.get('databases/shop.dump') ?? Buffer.alloc(0);
    const [file, ...restore] = 'docker compose exec -T postgres pg_restore -U postgres -d copy'.split(' ');
    await docker.run({ file: file ?? '', args: restore, cwd: project.folder, input });
    assert.equal(
      await psql('copy', 'select count(*), max(md5) from orders'),
      await psql('shop', 'select count(*), max(md5) from orders'),
    );
    const coverage = await task.coverage({ ...options, database: undefined, databases: 'all' });
    assert.deepEqual(coverage?.paths, [join(project.folder, 'postgres')]);
  });

  test('a folder is dumped in a container of PostgreSQL, too, and comes back there', async (t) => {
    await psql('postgres', 'create database many');
    await psql('many', 'create table orders as select n, md5(n::text) from generate_series(1, 20000) n');
    const task = await collectorTask(t, postgresqlCollector);
    const container = { compose_file, service: 'postgres' };
    await task.collect({ container, database: 'many', format: 'directory', dump_options: '--jobs=2' });
    assert.equal(await inside('postgres', 'ls', '-A', '/tmp'), '');
    await unpack(task.archive, task.folder);
    const restored = join(project.folder, 'postgres/restored');
    await cp(join(task.folder, 'databases/many'), restored, { recursive: true });
    await psql('postgres', 'create database again');
    await inside('postgres', 'pg_restore', '-U', 'postgres', '-d', 'again', '/var/lib/postgresql/restored');
    const facts = 'select count(*), max(md5) from orders';
    assert.equal(await psql('again', facts), await psql('many', facts));
  });

  test('a dump that takes too long is ended inside of the container, too', async (t) => {
    await psql('postgres', 'create database busy');
    await psql('busy', 'create table orders (id int)');
    const lock = inside(
      'postgres',
      'psql',
      '-U',
      'postgres',
      '-d',
      'busy',
      '-c',
      'begin; lock orders; select pg_sleep(60)',
    );
    lock.catch(() => undefined);
    const sessions = (what: string) =>
      psql('postgres', `select pid from pg_stat_activity where datname = 'busy' and ${what}`);
    await waitFor(async () => (await sessions("query like '%pg_sleep%'")) !== '');
    const task = await collectorTask(t, postgresqlCollector);
    const container = { compose_file, service: 'postgres' };
    await assert.rejects(task.collect({ container, database: 'busy', timeout: '1s' }), {
      message: 'postgresql: the dump of busy took too long and was ended',
      hint: /such as a lock/,
    });
    await waitFor(async () => (await sessions("application_name = 'pg_dump'")) === '');
  });

  test('MariaDB in a container is dumped by its own programs, and comes back there', async (t) => {
    const sql = (text: string) => inside('mariadb', 'mariadb', '--batch', '--skip-column-names', `--execute=${text}`);
    await sql('create database shop; create table shop.orders as select seq, md5(seq) from mysql.seq_1_to_20000');
    const before = await sql('checksum table shop.orders');
    const task = await collectorTask(t, mariadbCollector);
    const options = { container: { compose_file, service: 'mariadb' }, database: 'shop' };
    await task.collect(options);
    await sql('drop database shop');
    const input = task.archive.entries.get('databases/shop.sql') ?? Buffer.alloc(0);
    await docker.run({
      file: 'docker',
      args: ['compose', 'exec', '-T', 'mariadb', 'mariadb'],
      cwd: project.folder,
      input,
    });
    assert.equal(await sql('checksum table shop.orders'), before);
    assert.deepEqual((await task.coverage(options))?.paths, [join(project.folder, 'mariadb')]);
  });
}

/** Both servers, with the programs of this machine, which are all that the image lacks. */
async function startDatabases(docker: TestDocker): Promise<TestProject> {
  const folder = join(docker.folder, 'projects/databases');
  const own = ['/usr/lib64:/lib64', '/usr/lib:/lib', '/usr/bin:/bin', '/usr:/usr', '/etc:/etc'].map(
    (each) => `${each}:ro`,
  );
  const programs = (await serverPrograms()) ?? '';
  const data = join(folder, 'postgres/data');
  for (const [name, account] of [
    ['postgres', 'postgres'],
    ['mariadb', 'mysql'],
  ] as const) {
    const { uid, gid } = await idsOf(account);
    await mkdir(join(folder, name), { recursive: true });
    await chown(join(folder, name), uid, gid);
  }
  await chmod(docker.folder, 0o711);
  const initdb = { file: join(programs, 'initdb'), args: ['-D', data, '--auth=trust', '-U', 'postgres', '--no-sync'] };
  await docker.run(asAccount('postgres', initdb));
  const install = [
    `--datadir=${join(folder, 'mariadb')}`,
    '--user=mysql',
    '--skip-test-db',
    '--auth-root-authentication-method=socket',
  ];
  await docker.run({ file: 'mariadb-install-db', args: ['--no-defaults', ...install] });
  const postgres = asAccount('postgres', { file: 'postgres', args: ['-D', '/var/lib/postgresql/data'] });
  const project = await startProject(docker, 'databases', {
    postgres: {
      command: [postgres.file, ...postgres.args],
      environment: { PATH: `${programs}:/bin` },
      volumes: [...own, `${join(folder, 'postgres')}:/var/lib/postgresql`],
      tmpfs: ['/var/run/postgresql:mode=1777', '/dev/shm', '/tmp:mode=1777'],
    },
    mariadb: {
      command: ['/usr/sbin/mariadbd', '--no-defaults', '--user=mysql', '--skip-networking', '--tmpdir=/run/mysqld'],
      volumes: [...own, `${join(folder, 'mariadb')}:/var/lib/mysql`],
      tmpfs: ['/run/mysqld:mode=1777'],
    },
  });
  const answers = (...args: string[]) =>
    project.compose('exec', '-T', ...args).then(
      () => true,
      () => false,
    );
  await waitFor(() => answers('postgres', 'pg_isready'));
  await waitFor(() => answers('mariadb', 'mariadb', '--execute=select 1'));
  return project;
}
