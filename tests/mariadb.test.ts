import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { databasesOfMachine } from '#plugins/mariadb/assets.ts';
import { mariadbCollector } from '#plugins/mariadb/mariadb-collector.ts';
import { collectorTask } from './rig/collector-task.ts';
import { fakeDocker } from './rig/fake-docker.ts';
import { startFleet } from './rig/fleet.ts';
import { type MariadbServer, mariadbProblem, startMariadb } from './rig/mariadb.ts';

const problem = await mariadbProblem();
const password = 'a secret word';

describe('mariadb, with a real server', { skip: problem ?? false }, () => {
  let server: MariadbServer;
  before(async () => {
    server = await startMariadb('--log-bin=log', '--server-id=1');
    await server.sql(content);
  });
  after(() => server.stop());

  const bySocket = () => ({ host: server.socket });
  const text = (archive: { readonly entries: ReadonlyMap<string, Buffer> }, path: string) =>
    String(archive.entries.get(path));

  collectorContract(mariadbCollector, {
    good: {
      options: async () => ({ ...bySocket(), databases: ['shop', 'it`s ä/b'] }),
      holds: ['databases/shop.sql', 'databases/it`s ä%2Fb.sql'],
    },
    failing: { options: async () => ({ ...bySocket(), database: 'gone' }) },
  });

  test('all databases come back by hand on a new server, with their users', async (t) => {
    const task = await collectorTask(t, mariadbCollector);
    await task.collect({ ...bySocket(), databases: 'all' });
    const names = [...task.archive.entries.keys()];
    assert.deepEqual(
      names,
      ['it`s ä%2Fb', 'mysql', 'shop'].map((name) => `databases/${name}.sql`),
    );
    const fresh = await startMariadb();
    t.after(() => fresh.stop());
    for (const dump of task.archive.entries.values()) await fresh.restore(dump);
    await fresh.sql('flush privileges');
    assert.equal(await fresh.sql(facts), await server.sql(facts));
    const byApp = ['--no-defaults', '--host=127.0.0.1', `--port=${fresh.port}`, '--user=app', '--execute=select 1'];
    await run('mariadb', byApp, { MYSQL_PWD: password });
  });

  test('the dump has the position of the binary log where the user may see it, and else a line in the log', async (t) => {
    const task = await collectorTask(t, mariadbCollector);
    await task.collect({ ...bySocket(), database: 'shop' });
    assert.match(
      text(task.archive, 'databases/shop.sql'),
      /^-- CHANGE MASTER TO MASTER_LOG_FILE='log\.\d+', MASTER_LOG_POS=\d+;$/m,
    );
    const file = await secretFile(task.folder);
    const other = await collectorTask(t, mariadbCollector);
    await other.collect({ host: '127.0.0.1', port: server.port, user: 'app', database: 'shop', password: { file } });
    assert.doesNotMatch(text(other.archive, 'databases/shop.sql'), /CHANGE MASTER/);
    assert.match(other.log(), /BINLOG MONITOR privilege.*the dump has no position of the binary log/);
  });

  test('the built program dumps by the spelling of older configurations, and no secret is in log or archive', async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    const defaults_file = join(fleet.folder, 'my.cnf');
    await writeFile(defaults_file, `[client]\npassword="${password}"\n`, { mode: 0o600 });
    const connection = { hostname: '127.0.0.1', port: server.port, username: 'app', defaults_file };
    await fleet.writeService('docker', 'shop', {
      mysql: { ...connection, database: 'shop', dump_options: '--skip-extended-insert --order-by-primary' },
    });
    await fleet.writeClientConfig();
    const { exitCode, stdout, stderr } = await fleet.localBackup('run', '--verbose');
    assert.equal(exitCode, 0, stderr);
    const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
    const folder = join(fleet.folder, 'unpacked');
    await mkdir(folder);
    await run('tar', ['-xzf', join(fleet.drop, archive), '-C', folder]);
    const dump = await readFile(join(folder, 'docker/shop/databases/shop.sql'), 'utf8');
    assert.ok(dump.includes(`INSERT INTO \`orders\` VALUES (2,'Größe 2',`));
    assert.doesNotMatch(stdout + stderr, new RegExp(password));
    const found = await execaRunner().run({ file: 'grep', args: ['-rlF', password, folder] });
    assert.equal(found.stdout, '');
  });

  test('in a container the password is handed on by name, and what the server has counts as saved', async (t) => {
    const folder = await tempFolder(t);
    const docker = await fakeDocker(folder);
    const mounts = ['/srv/shop/db:/var/lib/mysql', '/srv/shop/config:/etc/mysql/conf.d'];
    await docker.set('db', { state: 'running', env: { MYSQL_TCP_PORT: String(server.port) }, mounts });
    const container = { compose_file: '/srv/shop/compose.yaml', service: 'db' };
    const secret = { user: 'app', password: { file: await secretFile(folder) } };
    const options = { container, host: '127.0.0.1', ...secret, database: 'shop' };

    const task = await collectorTask(t, mariadbCollector, { docker: `${docker.docker} compose` });
    await task.collect(options);
    assert.match(text(task.archive, 'databases/shop.sql'), /-- Dump completed\n$/);
    assert.match(task.log(), /docker exec --interactive --env MYSQL_PWD db timeout \d+ mysqldump /);
    assert.doesNotMatch(task.log(), new RegExp(password));
    assert.deepEqual(await task.coverage(options), { assets: [], paths: ['/srv/shop/db'] });
    const root = { container, host: server.socket, database: 'shop' };
    assert.deepEqual(await task.coverage(root), { assets: [], paths: [] });
  });

  test('the databases of this machine are found by its socket, and a task covers its own', async (t) => {
    const task = await collectorTask(t, mariadbCollector);
    const own = ['it`s ä/b', 'shop'].map((name) => ({ kind: 'MariaDB database', name }));
    assert.deepEqual(await databasesOfMachine(task.context, server.socket), own);
    assert.deepEqual(await task.coverage({ ...bySocket(), database: 'shop' }), { assets: [own[1]], paths: [] });
    const elsewhere = { host: 'db.example.org', database: 'shop' };
    assert.deepEqual(await task.coverage(elsewhere), { assets: [], paths: [] });
  });

  test('where there is no server, or a socket that a dead one left, nothing is found', async (t) => {
    const { context, folder } = await collectorTask(t, mariadbCollector);
    assert.deepEqual(await databasesOfMachine(context, join(folder, 'missing')), []);
    await writeFile(join(folder, 'socket'), '');
    assert.deepEqual(await databasesOfMachine(context, join(folder, 'socket')), []);
  });
});

const content = `
  create database shop character set utf8mb4; create database \`it\`\`s ä/b\`;
  create user app@'127.0.0.1' identified by '${password}';
  grant select, show view, trigger, event on shop.* to app@'127.0.0.1'; grant select on mysql.proc to app@'127.0.0.1';
  use shop;
  create table orders (id int primary key auto_increment, what varchar(80), bytes varbinary(40));
  insert into orders select seq, concat('Größe ', seq, if(seq % 7, '', '\\\\ "\\t')), unhex(sha1(seq)) from seq_1_to_20000;
  create table log (what varchar(80));
  create view totals as select count(*) n from orders;
  create function twice(n int) returns int deterministic return 2 * n;
  create trigger noted after delete on orders for each row insert into log values (old.what);
  create event tidy on schedule every 1 day do delete from log;`;

const facts = `use shop; checksum table orders, log; select * from totals; select twice(21); select max(id), hex(what) from orders where id = 7;
  select action_statement, definer from information_schema.triggers; show create event tidy; select auto_increment from information_schema.tables where table_name = 'orders'`;

async function secretFile(folder: string): Promise<string> {
  const file = join(folder, 'password');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return file;
}

async function run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const { exitCode, stderr } = await execaRunner().run({ file, args, env });
  assert.equal(exitCode, 0, stderr);
}
